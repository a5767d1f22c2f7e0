"""Bubbles are cut out upright and measured against the paper around them."""

from dataclasses import replace

import cv2
import numpy as np

from jobs.omr.marks.cutting import cut_levels
from jobs.omr.marks.fields import fields_of
from jobs.omr.marks.meaning import Meanings
from jobs.omr.marks.measuring import patches_of
from jobs.omr.marks.patches import CONTEXT, PAPER_LEVEL, joined
from jobs.omr.registration.registered import Points
from tests.jobs.omr.marks.drawn import PX_PER_MM, STYLES, Style, answers_drawn, form_of, printed, registered


def test_patches_lie_along_the_form_however_the_page_lies() -> None:
    form = form_of(STYLES["wide ellipses"])
    page = printed(form, STYLES["wide ellipses"])
    straight = registered(page, form)
    turn = cv2.getRotationMatrix2D((400.0, 500.0), 25, 1.0)
    turned = cv2.warpAffine(page, turn, (1300, 1300), borderValue=245)

    def to_page(points: Points) -> Points:
        return np.asarray(np.column_stack([points * PX_PER_MM, np.ones(len(points))]) @ turn.T)

    tilted = replace(straight, gray=np.asarray(turned, np.uint8), to_page=to_page, positions=to_page(form.centres))
    seen, wanted = cut_levels(tilted.gray, tilted, form), cut_levels(page, straight, form)
    assert np.abs(seen.astype(int) - wanted).mean() < 4


def test_a_larger_scan_gives_the_same_patches() -> None:
    form = form_of(Style())
    page = printed(form, Style())
    large = np.asarray(cv2.resize(page, None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    found = registered(page, form)
    enlarged = replace(
        found,
        gray=large,
        positions=(found.positions + 0.5) * 3 - 0.5,
        half_sizes_px=found.half_sizes_px * 3,
        to_page=lambda points: (points * PX_PER_MM + 0.5) * 3 - 0.5,
    )
    assert np.abs(cut_levels(large, enlarged, form).astype(int) - cut_levels(page, found, form)).mean() < 4


def test_what_lies_off_the_page_is_white() -> None:
    form = form_of(Style())
    found = registered(printed(form, Style()), form)
    away = replace(found, positions=found.positions + 5000)
    assert cut_levels(found.gray, away, form).min() == 255


def test_paper_is_brought_to_one_level_in_uneven_light() -> None:
    form = form_of(Style())
    page = printed(form, Style())
    dim = np.asarray(page * np.linspace(0.7, 1, page.shape[1])[None], dtype=np.uint8)
    patches = patches_of(registered(dim, form), form)
    assert np.abs(np.median(patches.pixels, axis=(1, 2)) - PAPER_LEVEL).max() < 12


def test_darkness_is_measured_above_what_is_printed_in_each_bubble() -> None:
    form = form_of(STYLES["thick circles"])
    page = printed(form, STYLES["thick circles"])
    answers_drawn(page, form, {"q4": ("C",)})
    patches = patches_of(registered(page, form), form)
    context = dict(zip(CONTEXT, patches.context.T, strict=True))
    above = context["darkness"] - context["own_print"]
    marked = 3 * 5 + 2
    assert above[marked] > 0.3
    assert np.abs(np.delete(above, marked)).max() < 0.05


def test_batches_of_sheets_are_joined_in_order() -> None:
    form = form_of(Style())
    page = printed(form, Style())
    first = patches_of(registered(page, form), form)
    answers_drawn(page, form, {"q1": ("A",)})
    second = patches_of(registered(page, form), form)
    both = joined([first, second])
    assert len(both) == 2 * len(first)
    assert (both.pixels[len(first) :] == second.pixels).all()


def test_a_sheet_that_seems_marked_all_over_is_doubted_everywhere() -> None:
    form = form_of(Style())
    found = registered(printed(form, Style()), form)
    marked = np.zeros(len(form.centres))
    marked[:100].reshape(20, 5)[:, :3] = 1
    fields = fields_of(Meanings(marked, np.zeros(len(marked)), 0.4), form, found)
    assert all(field.confidence <= 0.5 for field in fields.values())
    marked[:100].reshape(20, 5)[:, 1:3] = 0
    fields = fields_of(Meanings(marked, np.zeros(len(marked)), 0.4), form, found)
    assert all(field.confidence > 0.9 for field in fields.values())
