"""The whole job by hand, as a process of its own: what it leaves in its folder, and how it ends."""

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from pipeline.contracts.omr import OmrOutcome
from tests.fixtures.sheets import as_jpeg, draw_page, plain_form, random_marks
from tests.fixtures.waiting import wait_for

ROOT = Path(__file__).parents[3]
FORM = plain_form(25)
WITHIN_S = 60

Done = tuple[OmrOutcome, Path]


def zip_of_sheets(path: Path, count: int, *, dpi: float = 100) -> Path:
    """Sheets 1, 2, …; the third is cut."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1, count + 1):
            sheet = as_jpeg(draw_page(FORM, random_marks(FORM, number), dpi=dpi))
            archive.writestr(f"scan {number}.jpg", sheet[: len(sheet) // 2] if number == 3 else sheet)
    return path


def command(source: Path, folder: Path, **fields: Any) -> list[str]:
    spec = folder.with_suffix(".json")
    spec.write_text(json.dumps({"template": FORM.model_dump(mode="json"), "engine": "classical", **fields}))
    return [sys.executable, "-m", "jobs.omr", str(source), str(folder), "--spec", str(spec)]


def read(source: Path, folder: Path, **fields: Any) -> OmrOutcome:
    ended = subprocess.run(
        command(source, folder, **fields), cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return OmrOutcome.model_validate_json((folder / "outcome.json").read_text())


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return zip_of_sheets(tmp_path_factory.mktemp("batch") / "batch.zip", 5)


@pytest.fixture(scope="module")
def done(batch: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The outcome of the batch, and the folder that it was read into."""
    folder = tmp_path_factory.mktemp("done") / "read"
    return read(batch, folder), folder


def test_every_page_is_a_sheet_and_a_bad_one_has_a_reason(done: Done):
    outcome, _ = done
    assert (outcome.status, outcome.engine) == ("ready", "classical")
    assert [(sheet.file, sheet.page, sheet.reason) for sheet in outcome.sheets] == [
        ("batch.zip", page, "TRUNCATED" if page == 3 else None) for page in range(1, 6)
    ]
    for sheet in outcome.sheets:
        marked = random_marks(FORM, sheet.page)
        if sheet.state == "read":
            assert sheet.identifier is not None
            assert sheet.identifier.value == marked.student
            found = {answer.question_id: answer.detected for answer in sheet.answers}
            assert found == {name: tuple(marked.answers.get(name, "")) for name in found}
    assert [step.name for step in outcome.steps] == ["presigning", "downloading", "reading", "uploading"]


def test_there_is_a_picture_of_each_sheet_that_could_be_decoded(done: Done):
    outcome, folder = done
    assert [sheet.overlay is None for sheet in outcome.sheets] == [False, False, True, False, False]
    named = sorted(sheet.overlay for sheet in outcome.sheets if sheet.overlay)
    assert named == sorted(path.relative_to(folder).as_posix() for path in (folder / "overlays").iterdir())
    picture = cv2.imdecode(np.fromfile(folder / named[0], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert (picture.max(axis=2) - picture.min(axis=2)).max() > 100, "nothing is coloured"


def test_the_same_batch_again_gives_the_same_readings(done: Done, batch: Path, tmp_path: Path):
    again = read(batch, tmp_path / "again")
    assert again.model_copy(update={"steps": ()}) == done[0].model_copy(update={"steps": ()})


def test_a_job_reads_the_pages_that_it_was_given(done: Done, batch: Path, tmp_path: Path):
    part = read(batch, tmp_path / "part", first_page=2, last_page=4, overlays=False)
    wanted = [sheet.model_copy(update={"overlay": None}) for sheet in done[0].sheets[1:4]]
    assert list(part.sheets) == wanted


def test_a_job_that_is_told_to_stop_while_it_reads_is_gone_within_20_s(tmp_path: Path):
    source = zip_of_sheets(tmp_path / "batch.zip", 12, dpi=200)
    with zipfile.ZipFile(source, "a") as archive:
        for number in range(13, 200):
            archive.writestr(f"scan {number}.jpg", archive.read("scan 1.jpg"))
    folder = tmp_path / "read"
    with subprocess.Popen(command(source, folder), cwd=ROOT, stderr=subprocess.PIPE) as job:
        wait_for(lambda: next(folder.rglob("overlays/*.png"), None), "a page has been read")
        children = psutil.Process(job.pid).children(recursive=True)
        assert children
        job.send_signal(signal.SIGTERM)
        _, said = job.communicate(timeout=20)
        assert job.returncode == 75
    assert b"reading" in said
    assert b"reading 100 %" not in said, "it read on to the end"
    assert not any(child.is_running() for child in children)
    outcome = json.loads((folder / "outcome.json").read_text())
    assert (outcome["status"], outcome["reason"]) == ("failed", "TERMINATED")
    assert not (folder / "overlays").exists()
