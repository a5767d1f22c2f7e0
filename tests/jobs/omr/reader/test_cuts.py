"""A scan of which some is missing is refused, never graded: what is filled in for it would be read as blank."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from jobs.omr.reader.reading_batch import Batch, BatchFile, read_batch
from pipeline.contracts.omr import Engine, SheetReading
from tests.fixtures.sheets import as_jpeg, draw_page, plain_form, random_marks

FORM = plain_form(50)
SCANS, CUTS = 10, 19
REAL_SCANS = sorted((Path(__file__).parents[5] / "shared" / "omr").glob("*/images/*.jp*g"))
END_MARKER = b"\xff\xd9"


def drawn_scan(number: int) -> bytes:
    """Gray and colour, with and without optimised tables and restart markers, of several qualities."""
    page = draw_page(FORM, random_marks(FORM, number), dpi=100)
    if number % 2:
        return as_jpeg(page, 60 + 4 * number)
    options = [cv2.IMWRITE_JPEG_OPTIMIZE, number % 4 == 0, cv2.IMWRITE_JPEG_RST_INTERVAL, number]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(page, cv2.COLOR_GRAY2BGR), [int(option) for option in options])
    assert done
    return data.tobytes()


def cut_files(folder: Path, scan: bytes, number: int) -> list[Path]:
    """Cut at even distances, as a broken upload is; every other one closed again with an end marker."""
    files = []
    for cut in range(1, CUTS + 1):
        kept = scan[: len(scan) * cut // (CUTS + 1)]
        path = folder / f"{number:02}-{cut:02}.jpg"
        path.write_bytes(kept + END_MARKER if cut % 2 else kept)
        files.append(path)
    return files


def read(files: list[Path]) -> list[SheetReading]:
    readings: list[SheetReading] = []
    batch = Batch(
        template=FORM,
        files=[BatchFile(path.name, path) for path in files],
        pictures={},
        engine=Engine.CLASSICAL,
    )
    read_batch(batch, readings.append)
    return readings


def test_no_cut_scan_is_graded(tmp_path: Path):
    scans = [drawn_scan(number) for number in range(SCANS)]
    cut = [path for number, scan in enumerate(scans) for path in cut_files(tmp_path, scan, number)]
    whole = [tmp_path / f"whole-{number}.jpg" for number in range(SCANS)]
    for path, scan in zip(whole, scans, strict=True):
        path.write_bytes(scan)
    readings = read([*cut, *whole])
    assert [r.file for r in readings[: len(cut)] if r.state == "read"] == []
    assert {r.reason for r in readings[: len(cut)]} <= {"TRUNCATED", "CORRUPT"}
    assert [r.state for r in readings[len(cut) :]] == ["read"] * SCANS


@pytest.mark.skipif(not REAL_SCANS, reason="no real scans beside the repository")
def test_no_cut_real_scan_is_graded(tmp_path: Path):
    step = max(1, len(REAL_SCANS) // SCANS)
    chosen = REAL_SCANS[::step][:SCANS]
    cut = [path for number, scan in enumerate(chosen) for path in cut_files(tmp_path, scan.read_bytes(), number)]
    assert [r.file for r in read(cut) if r.state == "read"] == []


def test_the_cuts_are_of_the_kind_that_opencv_does_not_notice(tmp_path: Path):
    """Else the tests above would test nothing."""
    files = cut_files(tmp_path, drawn_scan(1), 1)
    decoded = [cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE) for path in files]
    assert sum(pixels is not None for pixels in decoded) > CUTS // 2
