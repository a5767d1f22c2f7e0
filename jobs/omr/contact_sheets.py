"""Bubbles sorted by how full they are, side by side: where marked and unmarked ones meet, the eye sees it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.patches import CONTEXT, PATCH_SIDE, PatchBatch
from jobs.omr.page import Colour
from pipeline.contracts.omr import REVIEW_CONFIDENCE

# What is kept of a patch: the bubble, its outline and a little paper.
THUMBNAIL: Final = 24
CELL: Final = THUMBNAIL + 6
COLUMNS: Final = 60
ROWS: Final = 50
GREEN: Final = (60, 150, 20)
AMBER: Final = (0, 150, 255)
LINE: Final = (40, 20, 220)


@dataclass(frozen=True)
class Thumbnails:
    """`pictures` (n, 24, 24) uint8, `fill` (n,) darkness above the bubble's own print as a share of the sheet's darkest
    marks, `marked` (n,) the probability that the bubble counts as marked.
    """

    pictures: NDArray[np.uint8]
    fill: NDArray[np.float32]
    marked: NDArray[np.float32]


def thumbnails(patches: PatchBatch, marked: NDArray[np.float64]) -> Thumbnails:
    edge = (PATCH_SIDE - THUMBNAIL) // 2
    context = dict(zip(CONTEXT, patches.context.T, strict=True))
    return Thumbnails(
        pictures=patches.pixels[:, edge : edge + THUMBNAIL, edge : edge + THUMBNAIL].copy(),
        fill=np.asarray((context["darkness"] - context["own_print"]) / context["ink"]),
        marked=marked.astype(np.float32),
    )


def sorted_by_fill(sheets: list[Thumbnails]) -> Thumbnails:
    fill = np.concatenate([sheet.fill for sheet in sheets])
    order = np.argsort(fill, kind="stable")
    return Thumbnails(
        np.concatenate([sheet.pictures for sheet in sheets])[order],
        fill[order],
        np.concatenate([sheet.marked for sheet in sheets])[order],
    )


def dividing_place(each: Thumbnails) -> int:
    """The place in the sorted row that parts marked from unmarked bubbles with the fewest on the wrong side."""
    is_marked = each.marked >= 0.5
    marked_before = np.concatenate([[0], np.cumsum(is_marked)])
    unmarked_after = np.concatenate([np.cumsum(~is_marked[::-1])[::-1], [0]])
    return int(np.argmin(marked_before + unmarked_after))


def draw_contact_sheets(each: Thumbnails) -> Iterator[Colour]:
    """Pages of at most 60 x 50 bubbles, lightest first. Marked ones have a green frame, doubtful ones an amber one; the
    red line parts them where fill alone would, with the fill at that place written beside it.
    """
    divide = dividing_place(each)
    per_page = COLUMNS * ROWS
    for start in range(0, len(each.fill), per_page):
        some = slice(start, start + per_page)
        page = _cells(each.pictures[some], each.marked[some])
        if start <= divide < start + per_page and divide < len(each.fill):
            _draw_line(page, divide - start, float(each.fill[divide]))
        yield page


def _cells(pictures: NDArray[np.uint8], marked: NDArray[np.float32]) -> Colour:
    rows = -(-len(pictures) // COLUMNS)
    page = np.full((rows * CELL, COLUMNS * CELL, 3), 255, dtype=np.uint8)
    for number, (picture, probability) in enumerate(zip(pictures, marked, strict=True)):
        row, column = divmod(number, COLUMNS)
        cell = page[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        if max(probability, 1 - probability) < REVIEW_CONFIDENCE:
            cell[1:-1, 1:-1] = AMBER
        elif probability >= 0.5:
            cell[1:-1, 1:-1] = GREEN
        cell[3:-3, 3:-3] = picture[:, :, None]
    return page


def _draw_line(page: Colour, place: int, fill: float) -> None:
    row, column = divmod(place, COLUMNS)
    top, bottom, x = row * CELL, (row + 1) * CELL - 1, column * CELL
    cv2.line(page, (x, top), (x, bottom), LINE, 3)
    cv2.line(page, (x, top), (page.shape[1] - 1, top), LINE, 2)
    cv2.line(page, (0, bottom), (x, bottom), LINE, 2)
    beside = (min(x + 6, page.shape[1] - 120), max(14, top - 4))
    cv2.putText(page, f"fill {fill:.2f}", beside, cv2.FONT_HERSHEY_SIMPLEX, 0.5, LINE, 1, cv2.LINE_AA)
