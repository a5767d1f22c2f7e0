"""The commands against a real stack, to hold that both sides mean the same fields and codes."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import imageio_ffmpeg
import pytest

from cli.rows import Job, Rendition, Video
from tests.cli.conftest import Run
from tests.fixtures.media import Clip, make_clip
from tests.fixtures.running_stack import RunningStack


@pytest.fixture
def stack(running_stack: RunningStack, monkeypatch: pytest.MonkeyPatch) -> RunningStack:
    monkeypatch.delenv("API_URL", raising=False)
    monkeypatch.delenv("API_TOKEN", raising=False)
    monkeypatch.setenv("ACADEMY_DATA", str(running_stack.data))
    return running_stack


def answer(run: Run, *arguments: str) -> Any:
    ended = run(*arguments, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def job_of(run: Run, video_id: str) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = answer(run, "jobs", "list")
    return next(job for job in jobs if job["asset_id"] == video_id)


def test_an_uploaded_lecture_is_ready_with_every_field_that_commands_read(run: Run, stack: RunningStack):
    row = stack.lecture
    assert row["status"] == "READY"
    assert row.keys() >= Video.__required_keys__
    assert [r["name"] for r in row["renditions"]] == ["240p", "360p", "480p", "720p"]
    assert all(r.keys() >= Rendition.__required_keys__ for r in row["renditions"])
    assert row == answer(run, "videos", "show", row["id"])
    assert row in answer(run, "videos", "list", "--status", "READY", "--title", row["title"])
    assert answer(run, "videos", "list", "--status", "FAILED") == []


def loudness_of(address: str) -> float:
    """Integrated loudness (LUFS) of a file or stream, as another FFmpeg than ours measures it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostats", "-i", address, "-vn", "-af", "ebur128", "-f", "null", "-"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", ended.stderr)[-1])


def test_sound_is_as_loud_as_ordered_and_else_as_it_was(run: Run, stack: RunningStack, tmp_path: Path):
    lecture = stack.data.parent / "lecture.mp4"
    recorded = loudness_of(str(lecture))
    assert recorded < -20, "softer than what is ordered below"
    assert loudness_of(stack.lecture["hls_url"]) == pytest.approx(recorded, abs=1)
    short = make_clip(tmp_path / "soft.mp4", Clip(width=160, height=90, pictures=100, audio_peak=0.05))
    assert loudness_of(str(short)) < -20
    row = answer(run, "videos", "upload", str(short), "--loudness", "-16")
    assert row["loudness_lufs"] == -16
    assert loudness_of(row["hls_url"]) == pytest.approx(-16, abs=1)


def test_the_report_shows_what_the_real_job_recorded(run: Run, stack: RunningStack, tmp_path: Path):
    page = tmp_path / "report.html"
    ended = run("videos", "report", stack.lecture["id"], "--output", str(page))
    assert ended.code == 0, ended.err
    text = page.read_text()
    body = ET.fromstring("<body>" + text.partition("<body>")[2].partition("</body>")[0] + "</body>")
    renditions = stack.lecture["renditions"]
    assert body.findtext("h1") == stack.lecture["title"]
    plan, quality = body.iter("table")
    kept = [row[0].text for row in plan.iter("tr") if row.get("class") == "kept"]
    assert kept == [r["name"] for r in renditions]
    assert kept == [
        rung["name"] for rung in answer(run, "videos", "inspect", stack.lecture["id"])["rungs"] if rung["kept"]
    ]
    rows = [[cell.text for cell in row] for row in list(quality.iter("tr"))[1:]]
    assert [row[:4] for row in rows] == [[r["name"], "libx264", r["preset"], f"{8 * r['bytes']:,}"] for r in renditions]
    assert {row[-1] for row in rows} == {"not measured"}
    plots = list(body.iter("svg"))
    assert [plot.get("aria-label") for plot in plots] == [f"rate of {r['name']} over time" for r in renditions]
    drawn = [plot.findall("path")[0].get("d", "") for plot in plots]
    # A step for each segment, and the line back to nought.
    assert [path.count("V") for path in drawn] == [r["segments"] + 1 for r in renditions]


def test_inspect_has_attempts_steps_spec_outcome_and_the_executors_report(run: Run, stack: RunningStack):
    job = answer(run, "jobs", "inspect", job_of(run, stack.lecture["id"])["id"])
    assert job.keys() >= Job.__required_keys__
    assert job["state"] == "succeeded"
    assert [step["name"] for step in job["attempts"][-1]["steps"]][-1] == "uploading"
    assert job["outcome"]["status"] == "ready"
    assert job["executor"]["state"] == "succeeded"
    assert job["spec"]["segment_s"] == 4
    assert run("jobs", "inspect", job["id"]).code == 0


def test_logs_are_the_attempts_own_lines(run: Run, stack: RunningStack):
    job = job_of(run, stack.lecture["id"])
    lines = run("jobs", "logs", job["id"]).out.splitlines()
    assert any("attempt_finished" in line for line in lines)
    assert run("jobs", "logs", job["id"], "--follow").out.splitlines() == lines
    assert run("jobs", "logs", job["id"], "--tail", "1").out.splitlines() == lines[-1:]
    assert run("jobs", "logs", job["id"], "--attempt", "9").code == 3


def test_what_has_ended_is_not_cancelled_and_what_plays_is_not_replaced_unasked(run: Run, stack: RunningStack):
    job = job_of(run, stack.lecture["id"])
    assert run("jobs", "cancel", job["id"]).code == 4
    assert run("jobs", "resubmit", job["id"]).code == 4
    assert run("videos", "retry", stack.lecture["id"]).code == 4
    assert len([j for j in answer(run, "jobs", "list") if j["asset_id"] == stack.lecture["id"]]) == 1


def test_a_file_that_is_not_a_video_is_refused_with_its_reason(run: Run, stack: RunningStack, tmp_path: Path):
    path = tmp_path / "notes.mp4"
    path.write_text("these are notes, not a video")
    ended = run("videos", "upload", str(path))
    assert ended.code == 4
    assert "This file is not a video." in ended.err
    refused = answer(run, "videos", "list", "--status", "PENDING", "--title", "notes")[0]
    assert refused["error_reason"] == "source_invalid:NOT_MEDIA"
    assert run("videos", "watch", refused["id"]).code == 1


def test_another_tenant_sees_nothing(run: Run, stack: RunningStack):
    assert answer(run, "videos", "list", "--tenant", "other") == []
    assert run("videos", "show", stack.lecture["id"], "--tenant", "other").code == 3


def test_an_unknown_video_is_exit_code_3(run: Run, stack: RunningStack):
    assert run("videos", "show", "00000000-0000-4000-8000-000000000000").code == 3
