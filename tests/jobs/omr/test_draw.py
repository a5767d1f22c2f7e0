"""A template as a picture: over white where it says, over a scan where it is found."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest
from numpy.typing import NDArray

from jobs.omr.draw import main
from jobs.omr.drawing.template_picture import IDENTIFIER, LONGEST_SIDE_PX, MARGIN_PX, MARK, QUESTION
from pipeline.answer_sheets.printing.layout import template_for
from pipeline.answer_sheets.printing.options import Language, SheetOptions
from pipeline.answer_sheets.printing.page import sheet_pdf

TEMPLATE = template_for(SheetOptions(name="sheet", questions=10, student_digits=4))
DPI = 100


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "sheet.json"
    path.write_text(TEMPLATE.model_dump_json())
    return path


def near(picture: NDArray[np.uint8], x: float, y: float, reach: int, colour: tuple[int, int, int]) -> int:
    """How many pixels around a place have about this colour."""
    part = picture[round(y) - reach : round(y) + reach + 1, round(x) - reach : round(x) + reach + 1].astype(int)
    return int((np.abs(part - np.array(colour)).max(axis=2) < 40).sum())


def on_circle(picture: NDArray[np.uint8], x: float, y: float, radius: float, colour: tuple[int, int, int]) -> float:
    """The share of a circle's directions in which this colour stands within 2 pixels of it."""
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    reach = np.arange(radius - 2, radius + 2.1, 0.5)[:, None]
    part = picture[np.rint(y + reach * np.sin(angles)).astype(int), np.rint(x + reach * np.cos(angles)).astype(int)]
    return float((np.abs(part.astype(int) - np.array(colour)).max(axis=2) < 60).any(axis=0).mean())


def read(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.asarray(picture, dtype=np.uint8)


def test_over_white_bubbles_and_marks_stand_where_the_template_says(template: Path, tmp_path: Path):
    target = tmp_path / "drawn.png"
    ended = subprocess.run([sys.executable, "-m", "jobs.omr.draw", str(template), str(target)], timeout=60, check=False)
    assert ended.returncode == 0
    picture = read(target)
    scale = LONGEST_SIDE_PX / TEMPLATE.frame.height
    for field in TEMPLATE.all_fields():
        colour = QUESTION if field.name.startswith("q") else IDENTIFIER
        for bubble in field.bubbles:
            at = bubble.x * scale + MARGIN_PX, bubble.y * scale + MARGIN_PX
            assert near(picture, *at, round(1.2 * field.half_width * scale), colour) > 20
    for fiducial in TEMPLATE.fiducials:
        assert fiducial.at is not None
        assert near(picture, fiducial.at[0] * scale + MARGIN_PX, fiducial.at[1] * scale + MARGIN_PX, 8, MARK) > 20


def test_over_a_scan_bubbles_stand_where_they_are_on_it(template: Path, tmp_path: Path):
    page = np.array(pypdfium2.PdfDocument(sheet_pdf(TEMPLATE, Language.ENGLISH))[0].render(scale=DPI / 72).to_numpy())
    scan = tmp_path / "scan.png"
    moved = np.roll(page, (12, -9), axis=(0, 1))
    cv2.imwrite(str(scan), moved)
    target = tmp_path / "drawn.png"
    assert main([str(template), str(target), "--over", str(scan)]) == 0
    picture = read(target)
    assert picture.shape[:2] == moved.shape[:2]
    for field in TEMPLATE.all_fields():
        colour = QUESTION if field.name.startswith("q") else IDENTIFIER
        for bubble in field.bubbles:
            x, y = bubble.x * DPI / 25.4 - 9, bubble.y * DPI / 25.4 + 12
            assert on_circle(picture, x, y, field.half_width * DPI / 25.4, colour) > 0.5


def test_a_scan_that_cannot_be_read_is_told_by_name(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    assert main([str(template), str(tmp_path / "drawn.png"), "--over", str(tmp_path / "cut.jpg")]) == 65
    assert "TRUNCATED: cut.jpg" in capsys.readouterr().err
    assert not (tmp_path / "drawn.png").exists()


def test_a_picture_that_cannot_be_written_is_told(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(template), str(tmp_path / "nowhere" / "drawn.png")]) == 65
    assert "drawn.png cannot be written" in capsys.readouterr().err
