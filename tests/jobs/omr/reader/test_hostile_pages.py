"""Whatever a page does to the process that reads it, it is one sheet with a reason, and the others are read."""

import zipfile
from pathlib import Path

import pytest

from jobs.omr.reader import reading_batch
from jobs.omr.reader.reading_batch import Batch, BatchFile, read_batch
from pipeline.contracts.omr import Engine, OmrLimits, SheetReading
from pipeline.errors import PermanentError
from pipeline.reasons import Reason
from tests.fixtures.sheets import as_jpeg, draw_page, plain_form, random_marks
from tests.jobs.omr.reader import hostile

FORM = plain_form(25)
HOSTILE = "tests.jobs.omr.reader.hostile"


def zip_of_pages(path: Path, count: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1, count + 1):
            archive.writestr(f"{number}.jpg", as_jpeg(draw_page(FORM, random_marks(FORM, number), dpi=100)))
    return path


def read(*files: Path | PermanentError, limits: OmrLimits | None = None) -> list[SheetReading]:
    readings: list[SheetReading] = []
    batch = Batch(
        template=FORM,
        files=[BatchFile(f"file {number}", file) for number, file in enumerate(files, start=1)],
        pictures={},
        engine=Engine.CLASSICAL,
        limits=limits or OmrLimits(),
    )
    read_batch(batch, readings.append)
    return readings


def is_right(reading: SheetReading, seed: int) -> bool:
    marked = random_marks(FORM, seed)
    found = {answer.question_id: "".join(answer.detected) for answer in reading.answers}
    wanted = {question: marked.answers.get(question, "") for question in found}
    return reading.identifier is not None and reading.identifier.value == marked.student and found == wanted


def test_a_page_that_harms_its_reader_spoils_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading_batch, "READER", f"{HOSTILE}:read_pages")
    readings = read(zip_of_pages(tmp_path / "sheets.zip", 9), limits=OmrLimits(page_timeout_s=4))
    assert [reading.page for reading in readings] == list(range(1, 10))
    refused = {reading.page: reading.reason for reading in readings if reading.state == "refused"}
    assert refused == {
        hostile.CRASHES: Reason.CORRUPT,
        hostile.EATS_MEMORY: Reason.DECODER_LIMIT,
        hostile.HANGS: Reason.DECODER_LIMIT,
        hostile.HAS_A_BUG: Reason.INTERNAL_ERROR,
        hostile.LEAVES: Reason.INTERNAL_ERROR,
        hostile.LIES: Reason.CORRUPT,
        hostile.BABBLES: Reason.CORRUPT,
    }
    assert all(is_right(readings[page - 1], page) for page in (1, 9))


def test_a_file_that_crashes_when_it_is_opened_is_one_refused_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading_batch, "READER", f"{HOSTILE}:crash_while_counting")
    good = zip_of_pages(tmp_path / "good.zip", 2)
    bad = zip_of_pages(tmp_path / "crash.zip", 2)
    readings = read(bad, good, bad)
    assert [(r.file, r.page, r.reason) for r in readings] == [
        ("file 1", 1, Reason.CORRUPT),
        ("file 2", 1, None),
        ("file 2", 2, None),
        ("file 3", 1, Reason.CORRUPT),
    ]


def test_a_file_that_could_not_be_had_is_one_refused_sheet(tmp_path: Path):
    readings = read(PermanentError(Reason.SOURCE_GONE, "HTTP 404"), zip_of_pages(tmp_path / "good.zip", 1))
    assert [(r.file, r.page, r.state, r.reason, r.detail) for r in readings] == [
        ("file 1", 1, "refused", Reason.SOURCE_GONE, "HTTP 404"),
        ("file 2", 1, "read", None, ""),
    ]


def test_a_template_picture_that_cannot_be_decoded_is_no_fault_of_the_pages(tmp_path: Path):
    (tmp_path / "marker.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    batch = Batch(
        template=FORM,
        files=[BatchFile("sheet", zip_of_pages(tmp_path / "good.zip", 1))],
        pictures={"marker.png": tmp_path / "marker.png"},
        engine=Engine.CLASSICAL,
    )
    with pytest.raises(PermanentError, match=r"the template's picture 'marker.png'"):
        read_batch(batch, lambda _reading: None)
