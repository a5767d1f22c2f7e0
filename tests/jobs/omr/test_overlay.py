"""The overlay shows what was read in colours, and contact sheets show every bubble in the order of its fill."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.omr.contact_sheets import CELL, LINE, Thumbnails, dividing_place, draw_contact_sheets, sorted_by_fill
from jobs.omr.marks.fields import FieldMarks
from jobs.omr.overlay import AMBER, BLUE, GREEN, RED, draw_overlay, draw_refused
from tests.jobs.omr.marks.drawn import PX_PER_MM, Style, form_of, printed, registered


def decoded(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)


def near(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(picture.astype(int) - colour) < 40).all(axis=2))


@pytest.mark.parametrize(
    ("name", "change", "colour"),
    [
        ("q3", {"values": ("B",)}, GREEN),
        ("q3", {"values": ("B",), "confidence": 0.6}, AMBER),
        ("q3", {"values": (), "whole": False}, RED),
        ("n1", {"values": ("4",)}, BLUE),
        ("n1", {"values": ("4", "5")}, AMBER),
    ],
)
def test_a_field_is_shown_in_the_colour_of_how_it_was_read(
    name: str, change: dict[str, object], colour: tuple[int, int, int]
) -> None:
    form = form_of(Style())
    fields = {field.name: FieldMarks(field.kind, (), (), 1.0, whole=True) for field in form.fields}
    field = next(field for field in form.fields if field.name == name)
    given = {"kind": field.kind, "options": (), "values": (), "confidence": 1.0, "whole": True} | change
    fields[name] = FieldMarks(**given)  # type: ignore[arg-type]
    picture = decoded(draw_overlay(registered(printed(form, Style()), form), form, fields))
    rows, columns = np.nonzero(near(picture, colour))
    xs, ys = ([getattr(bubble, axis) * PX_PER_MM for bubble in field.bubbles] for axis in "xy")
    assert len(rows) > 20
    assert min(xs) - 40 < columns.min() <= columns.max() < max(xs) + 40
    assert min(ys) - 40 < rows.min() <= rows.max() < max(ys) + 40
    for other in {GREEN, AMBER, RED, BLUE} - {colour}:
        assert near(picture, other).sum() < 20


def test_a_refused_page_is_framed_in_red() -> None:
    picture = decoded(draw_refused(np.full((900, 600), 250, dtype=np.uint8), "PAGE_NOT_REGISTERED"))
    assert near(picture, RED)[6, 50:550].all()
    assert near(picture, RED)[100:800, 300].sum() == 0


def test_contact_sheets_put_bubbles_in_order_with_the_line_between_marked_and_unmarked() -> None:
    fill = np.array([0.9, 0.02, 0.8, 0.01, 0.3], dtype=np.float32)
    marked = np.array([0.99, 0.01, 0.98, 0.0, 0.6], dtype=np.float32)
    pictures = (np.arange(5)[:, None, None] * np.ones((5, 24, 24))).astype(np.uint8)
    each = sorted_by_fill(
        [Thumbnails(pictures[:2], fill[:2], marked[:2]), Thumbnails(pictures[2:], fill[2:], marked[2:])]
    )
    assert each.pictures[:, 0, 0].tolist() == [3, 1, 4, 2, 0]
    assert dividing_place(each) == 2
    [page] = draw_contact_sheets(each)
    frames = [tuple(int(value) for value in page[2, place * CELL + 8]) for place in range(5)]
    assert frames == [(255, 255, 255), (255, 255, 255), AMBER, GREEN, GREEN]
    assert near(page, LINE)[:, 2 * CELL].all()
