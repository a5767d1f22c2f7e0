"""Register marks among other pieces of ink, however many there are."""

import numpy as np
import pytest

from jobs.omr.registration.marks_found import marks_of, spots_of
from pipeline.answer_sheets.template import FiducialKind

SIDE, MARK = 1200, 30


def page_of_specks(every: int) -> np.ndarray:
    """A square of MARK pixels whose top left corner is at 900, 1000, and specks all around it."""
    ink = np.zeros((SIDE, SIDE), np.uint8)
    ink[::every, ::every] = 255
    ink[980 : 1020 + MARK, 880 : 920 + MARK] = 0
    ink[1000 : 1000 + MARK, 900 : 900 + MARK] = 255
    return ink


@pytest.mark.parametrize("every", [40, 3], ids=["few", "more than sixteen bits can count"])
def test_a_square_is_found_among_specks_and_its_pixels_are_its_own(every: int):
    spots = spots_of(page_of_specks(every))
    assert marks_of(spots, FiducialKind.SQUARE, (SIDE, SIDE)).tolist() == [[914.5, 1014.5, MARK]]
    assert spots.pixels(0).sum() == MARK * MARK
