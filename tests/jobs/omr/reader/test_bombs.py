"""Files that ask for gigabytes are refused before they are decoded, and the sheet beside them is read."""

import subprocess
import sys
from pathlib import Path

from pipeline.contracts.omr import SheetReading
from pipeline.reasons import Reason
from tests.fixtures.sheets import as_jpeg, draw_page, plain_form, random_marks
from tests.jobs.omr import bombs

ROOT = Path(__file__).parents[4]
FORM = plain_form(25)
# Nothing below runs into the limits of the process that decodes: those are the second wall, not the first.
BOMBS = {
    bombs.png_bomb: Reason.DIMENSIONS_EXCEEDED,
    bombs.tiff_bomb: Reason.DIMENSIONS_EXCEEDED,
    bombs.jpeg_bomb: Reason.DIMENSIONS_EXCEEDED,
    bombs.pdf_of_a_huge_page: Reason.DIMENSIONS_EXCEEDED,
    bombs.pdf_of_a_huge_picture: Reason.DIMENSIONS_EXCEEDED,
    bombs.zip_bomb: Reason.DIMENSIONS_EXCEEDED,
    bombs.zip_that_lies: Reason.CORRUPT,
    bombs.zip_of_a_zip: Reason.NOT_A_PICTURE,
}
MOST_MIB = 400


def test_bombs_cost_no_memory_and_no_other_sheet(tmp_path: Path):
    (tmp_path / "form.json").write_text(FORM.model_dump_json())
    files = [make(tmp_path / make.__name__) for make in BOMBS]
    assert all(file.stat().st_size < 1_000_000 for file in files)
    sheet = tmp_path / "sheet.jpg"
    sheet.write_bytes(as_jpeg(draw_page(FORM, random_marks(FORM, 1))))
    readings, peak_mib = read_measured(tmp_path / "form.json", *files, sheet)
    assert {Path(r.file).name: r.reason for r in readings[:-1]} == {f.__name__: reason for f, reason in BOMBS.items()}
    assert readings[-1].state == "read"
    assert peak_mib < MOST_MIB


def test_a_file_whose_pages_never_end_has_an_end(tmp_path: Path):
    (tmp_path / "form.json").write_text(FORM.model_dump_json())
    readings, _ = read_measured(tmp_path / "form.json", bombs.tiff_that_never_ends(tmp_path / "ring.tiff"))
    assert 1 <= len(readings) <= 501
    assert readings[-1].state == "refused"


def read_measured(template: Path, *files: Path) -> tuple[list[SheetReading], float]:
    """The readings, and the most memory that any one process of the reader had."""
    program = (
        "import resource, sys; from jobs.omr.read import main; code = main(sys.argv[1:]);"
        "print(max(resource.getrusage(who).ru_maxrss for who in (0, -1)), file=sys.stderr); sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "--json", "--engine", "classical", "--template", template, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    peak_kib = int(ended.stderr.split()[-1])
    return [SheetReading.model_validate_json(line) for line in ended.stdout.splitlines()], peak_kib / 1024
