"""The toy job by hand: outputs and outcome in a folder, exit codes, and a folder that is treated with care."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.execution.attempt.output_folder import FolderRefused, open_output_folder
from tests.fixtures.waiting import wait_for
from tests.pipeline.execution.conftest import ROOT, StartJob

RunJob = Callable[..., tuple[int, str]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "강의 100%.mp4"
    path.write_bytes(b"a lecture")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


def spec(tmp_path: Path, **fields: Any) -> tuple[str, str]:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(fields))
    return "--spec", str(path)


def contents(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".academy")
    )


def outcome(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "outcome.json").read_text())
    return value


def test_a_file_becomes_outputs_and_an_outcome(run_job: RunJob, source: Path, folder: Path, tmp_path: Path):
    code, said = run_job({}, str(source), str(folder), *spec(tmp_path, copies=2))
    assert code == 0, said
    assert contents(folder) == ["outcome.json", "v1/00000.bin", "v1/00001.bin", "v1/empty.txt"]
    assert (folder / "v1/00001.bin").read_bytes() == b"a lecture"
    assert (outcome(folder)["status"], outcome(folder)["copies"]) == ("ready", 2)
    assert not (folder / ".academy-incoming").exists()
    lines = said.splitlines()
    assert lines[0] == "[1/3] downloading 0 % (all 0 %)"
    assert "[2/3] transcoding 50 % (all 55 %)" in lines
    assert lines[-1] == "[3/3] uploading 100 % (all 100 %)"


@pytest.mark.parametrize(
    ("behaviour", "code", "reason"),
    [("permanent", 65, "NO_VIDEO_STREAM"), ("transient", 75, "STORAGE_UNAVAILABLE"), ("full_disk", 65, "DISK_FULL")],
)
def test_a_failure_leaves_an_outcome_with_its_reason_and_nothing_else(
    run_job: RunJob, source: Path, folder: Path, tmp_path: Path, *, behaviour: str, code: int, reason: str
):
    assert run_job({}, str(source), str(folder))[0] == 0
    got, said = run_job({}, str(source), str(folder), *spec(tmp_path, behaviour=behaviour))
    assert got == code, said
    assert contents(folder) == ["outcome.json"]
    assert (outcome(folder)["status"], outcome(folder)["reason"]) == ("failed", reason)
    assert [step["name"] for step in outcome(folder)["steps"]] == ["downloading", "transcoding"]
    assert reason in said


@pytest.mark.parametrize(("make", "reason"), [(False, "SOURCE_GONE"), (True, "EMPTY_FILE")])
def test_a_source_that_is_missing_or_empty_is_a_failure_with_a_reason(
    run_job: RunJob, folder: Path, tmp_path: Path, *, make: bool, reason: str
):
    source = tmp_path / "nothing.mp4"
    if make:
        source.touch()
    assert run_job({}, str(source), str(folder))[0] == 65
    assert outcome(folder)["reason"] == reason


def test_a_second_run_replaces_what_the_first_left(run_job: RunJob, source: Path, folder: Path, tmp_path: Path):
    assert run_job({}, str(source), str(folder), *spec(tmp_path, copies=5))[0] == 0
    assert run_job({}, str(source), str(folder), *spec(tmp_path, copies=1))[0] == 0
    assert contents(folder) == ["outcome.json", "v1/00000.bin", "v1/empty.txt"]


def test_a_folder_with_foreign_files_is_refused_and_left_as_it_is(run_job: RunJob, source: Path, folder: Path):
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    code, said = run_job({}, str(source), str(folder))
    assert (code, contents(folder)) == (65, ["thesis.txt"])
    assert "is not empty" in said


def test_foreign_files_beside_the_outputs_are_never_touched(
    run_job: RunJob, source: Path, folder: Path, tmp_path: Path
):
    assert run_job({}, str(source), str(folder), *spec(tmp_path, copies=1))[0] == 0
    (folder / "v1" / "00001.bin").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    code, said = run_job({}, str(source), str(folder), *spec(tmp_path, copies=2))
    assert code == 65
    assert "v1/00001.bin" in said
    assert (folder / "v1" / "00001.bin").read_text() == "mine"
    assert outcome(folder)["copies"] == 1, "the outputs of the first run are still whole"
    assert run_job({}, str(source), str(folder), *spec(tmp_path, copies=1))[0] == 0
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_run_that_is_killed_leaves_the_last_outputs_whole_and_can_be_repeated(
    run_job: RunJob, start_job: StartJob, source: Path, folder: Path, tmp_path: Path
):
    assert run_job({}, str(source), str(folder))[0] == 0
    before = contents(folder)
    marker = tmp_path / "scratch" / "is-running"
    job = start_job({}, str(source), str(folder), *spec(tmp_path, behaviour="swallows_the_signal"))
    wait_for(marker.exists, "it is at work")
    job.kill()
    job.communicate()
    assert (contents(folder), outcome(folder)["status"]) == (before, "ready")
    for path in (tmp_path / "scratch").iterdir():
        subprocess.run(["rm", "-r", str(path)], check=True)
    assert run_job({}, str(source), str(folder))[0] == 0
    assert not (folder / ".academy-incoming").exists()


def test_two_runs_cannot_share_a_folder(
    run_job: RunJob, start_job: StartJob, source: Path, folder: Path, tmp_path: Path
):
    job = start_job({}, str(source), str(folder), *spec(tmp_path, behaviour="breaks_when_stopped"))
    wait_for((tmp_path / "scratch" / "is-running").exists, "it is at work")
    second = start_job({}, str(source), str(folder))
    _, said = second.communicate(timeout=30)
    assert second.returncode == 65
    assert "another run works in" in said
    job.send_signal(signal.SIGINT)
    job.communicate(timeout=20)
    assert (job.returncode, outcome(folder)["reason"]) == (75, "TERMINATED")


def test_fields_that_make_no_spec_are_refused_and_nothing_is_replaced(
    run_job: RunJob, source: Path, folder: Path, tmp_path: Path
):
    assert run_job({}, str(source), str(folder))[0] == 0
    code, said = run_job({}, str(source), str(folder), *spec(tmp_path, copies="many"))
    assert code == 65
    assert "copies" in said
    assert outcome(folder)["status"] == "ready"


def test_a_terminal_gets_a_bar_with_step_and_percent(source: Path, folder: Path):
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fixtures.toy_job", str(source), str(folder)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "100"},
        stderr=terminal,
        stdout=terminal,
    ) as job:
        os.close(terminal)
        drawn = b""
        try:
            while chunk := os.read(controller, 65536):
                drawn += chunk
        except OSError:
            pass  # Linux says EIO when the other side has closed
        os.close(controller)
    assert job.returncode == 0
    assert "Uploading (3/3)" in drawn.decode()
    assert "100%" in drawn.decode()


def test_a_folder_that_cannot_be_made_is_a_sentence(source: Path, tmp_path: Path):
    with (
        pytest.raises(FolderRefused, match="x cannot be used: File name too long"),
        open_output_folder(tmp_path / ("x" * 300)),
    ):
        pass
    # Below a file: also for root, whom no permission stops.
    with pytest.raises(FolderRefused, match="out cannot be used: Not a directory"), open_output_folder(source / "out"):
        pass
