"""What people are shown of a plan: `academy videos inspect` and `academy videos report`."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Run
from tests.cli.scripted_api import VIDEO_ID, ScriptedApi, video

JOB_ID = "5d1e77c0-0000-4000-8000-000000000001"


def rung(name: str, *, kept: bool, reason: str) -> dict[str, Any]:
    return {
        "name": name,
        "width": 640,
        "height": 360,
        "frame_rate": 25.0,
        "cap_bps": 800_000,
        "kept": kept,
        "reason": reason,
    }


def outcome() -> dict[str, Any]:
    rendition = {
        "name": "360p",
        "bytes": 100_000,
        "duration_s": 12.0,
        "average_bps": 300_000,
        "peak_bps": 400_000,
        "encoder": "libx264",
        "preset": "veryfast",
        "quality": {"vmaf_mean": 93.25, "vmaf_low": 81.5},
    }
    return {
        "status": "ready",
        "duration_s": 12.0,
        "renditions": [rendition],
        "plan": {
            "content": "moving",
            "motion_bpp": 0.2,
            "reasons": ["moving content: <0.200> bits a pixel"],
            "rungs": [
                rung("360p", kept=True, reason="fits into the source's 720 px"),
                rung("720p", kept=False, reason="dropped: 360p looks like the source already (47.0 dB)"),
            ],
        },
        "rates": [{"name": "360p", "step_s": 4, "bps": [200_000, 400_000, 300_000]}],
    }


@pytest.fixture
def _done(api: ScriptedApi) -> None:
    api.on("GET /jobs", {"items": [{"id": JOB_ID}]})
    api.on(f"GET /jobs/{JOB_ID}", {"id": JOB_ID, "outcome": outcome()})
    api.on(f"GET /media/videos/{VIDEO_ID}", video(title="<b>Algebra</b>"))


@pytest.mark.usefixtures("_done")
def test_inspect_prints_each_rung_with_its_reason(run: Run, api: ScriptedApi):
    ended = run("videos", "inspect", VIDEO_ID)
    assert ended.code == 0, ended.err
    assert api.calls("GET /jobs")[0].query == {"asset_id": VIDEO_ID, "state": "succeeded", "limit": "1"}
    assert "moving content: <0.200> bits a pixel" in ended.out
    kept, dropped = (line.split() for line in ended.out.splitlines()[-2:])
    assert kept[0] == "360p"
    assert "kept" in kept
    assert dropped[0] == "720p"
    assert "(47.0" in dropped


@pytest.mark.usefixtures("_done")
def test_inspect_as_json_is_the_plan_as_it_was_recorded(run: Run):
    assert json.loads(run("videos", "inspect", VIDEO_ID, "--json").out) == outcome()["plan"]


@pytest.mark.usefixtures("_done")
def test_the_report_is_a_page_with_plan_rates_and_quality(run: Run, tmp_path: Path):
    page = tmp_path / "report.html"
    ended = run("videos", "report", VIDEO_ID, "--output", str(page))
    assert ended.code == 0, ended.err
    text = page.read_text()
    body = ET.fromstring("<body>" + text.partition("<body>")[2].partition("</body>")[0] + "</body>")
    assert body.findtext("h1") == "<b>Algebra</b>"
    assert [item.text for item in body.iter("li")] == ["moving content: <0.200> bits a pixel"]
    plan, quality = body.iter("table")
    assert [row.get("class") for row in plan.iter("tr")] == [None, "kept", "dropped"]
    assert [cell.text for cell in list(quality.iter("tr"))[1]] == [
        "360p", "libx264", "veryfast", "800,000", "300 kbit/s", "400 kbit/s", "93.2", "81.5",
    ]  # fmt: skip
    (plot,) = body.iter("svg")
    # The highest of three steps reaches the top, the first is half as high.
    drawn = plot.findall("path")[0].get("d")
    assert drawn == "M80 140H80.0V70.0H320.0 H320.0V0.0H560.0 H560.0V35.0H800.0V140Z"


def test_a_video_without_a_stream_has_no_plan(run: Run, api: ScriptedApi):
    api.on("GET /jobs", {"items": []})
    ended = run("videos", "inspect", VIDEO_ID)
    assert ended.code == 3
    assert "no job has made a stream" in ended.err
