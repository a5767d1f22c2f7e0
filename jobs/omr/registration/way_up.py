"""Which way up a form lies that looks the same upside down.

Its bubbles fit as well either way. What tells is, first, what the template declares, where that lies elsewhere after a
half turn; then the numbers of the rows, which are printed where reading begins: to the left, or to the right where
options run from right to left. Where neither tells, a person has to.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.layout import Layout, Points, moved
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.corner_marks import placed_marks
from jobs.omr.registration.evidence import Ink
from jobs.omr.registration.likeness import windows_at
from jobs.omr.registration.refining import Fit
from jobs.omr.registration.settling import pitches_between
from pipeline.answer_sheets.template import FiducialKind, Side

# Numbers stand so far from a row's first bubble, from and to, in pitches.
NUMBERS_FROM, NUMBERS_TO = 0.6, 1.7
# A row has more of its own on one side than on the other by so much ink, on average, 0 to 255.
MORE_INK = 3.0
# The share of rows with more ink on one side less that of rows with less: enough alone, and beside a page that lies so.
CLEARLY, RATHER = 0.8, 0.4
LEAST_ROWS = 5
SEARCHED = "lattice"
OF_THE_FRAME = frozenset({"page_edge", "page_corners", "whole_image", "form"})


@dataclass(frozen=True)
class WayUp:
    """`turned` where the fit is upside down; `sure` where that need not be looked at by a person."""

    turned: bool
    sure: bool


def is_declared(fit: Fit, method: str, homography: NDArray[np.float64], form: Form) -> bool:
    """Whether what the template declares says which way up: it put the form by `homography` where the fit has it, and
    would lie a pitch off or more after a half turn.
    """
    if method == SEARCHED or pitches_between(fit, homography, form.layout) != (0, 0):
        return False
    turn, pitches = form.layout.half_turn, np.median(form.layout.pitches_of_bubble, axis=0)
    if method in OF_THE_FRAME:
        frame = form.template.frame
        middle = np.array([[frame.width / 2, frame.height / 2]])
        return bool((np.abs(moved(turn, middle) - middle) > pitches).any())
    if method.startswith(FiducialKind.TIMING_TRACK):
        sides = {mark.side for mark in form.template.fiducials if mark.kind is FiducialKind.TIMING_TRACK}
        return sides in ({Side.LEFT}, {Side.RIGHT}, {Side.TOP}, {Side.BOTTOM})
    marks = placed_marks(form)
    places = np.array([mark.at for mark in marks], np.float64)
    kinds = np.array([mark.kind.value for mark in marks])
    off = np.abs(moved(turn, places)[:, None] - places[None]) / pitches
    return not ((off.max(axis=2) < 1) & (kinds[:, None] == kinds[None])).any(axis=1).all()


def way_up(ink: Ink, places: Points, form: Form, canvas: Canvas, *, upright: bool | None) -> WayUp:
    """`places` (n, 2) are where the bubbles are taken to be, in pixels of the canvas that `ink` is. `upright` is how
    the page would have been fed then, None on its side: most are fed upright.
    """
    score = _more_ink_before(ink, places, form.layout, canvas) * (-1 if _runs_leftwards(form) else 1)
    says_turned = score < 0
    if abs(score) >= CLEARLY:
        return WayUp(says_turned, sure=True)
    agrees = upright is None or upright != says_turned
    if abs(score) >= RATHER and agrees:
        return WayUp(says_turned, sure=True)
    return WayUp(upright is False, sure=False)


def _more_ink_before(ink: Ink, places: Points, layout: Layout, canvas: Canvas) -> float:
    """-1 to 1: the share of rows that have more of their own on their left less that of rows with more on their right.

    A row's own is what other rows do not have there: numbers, but no rules and no timing marks.
    """
    rows = np.unique(np.round(layout.centres[:, 1] / layout.radius), return_inverse=True)[1].ravel()
    ends = [places[rows == row] for row in range(int(rows.max()) + 1)]
    if len(ends) < LEAST_ROWS:
        return 0.0
    pitch, half = layout.pitches[0] * canvas.px_per_unit, layout.half_size[1] * canvas.px_per_unit
    far = (NUMBERS_FROM + NUMBERS_TO) / 2 * pitch
    before = np.array([row[row[:, 0].argmin()] - (far, 0) for row in ends])
    after = np.array([row[row[:, 0].argmax()] + (far, 0) for row in ends])
    reach = np.ceil([(NUMBERS_TO - NUMBERS_FROM) / 2 * pitch, half]).astype(int)
    more = _own_ink(ink, before, reach) - _own_ink(ink, after, reach)
    return float((more > MORE_INK).mean() - (more < -MORE_INK).mean())


def _own_ink(ink: Ink, places: Points, reach: NDArray[np.int_]) -> NDArray[np.float64]:
    """(n,) how much the ink around each place differs from what is usual around them, 0 to 255."""
    windows = windows_at(np.asarray(cv2.blur(ink, (3, 3)), np.uint8), places, reach).astype(np.int16)
    return np.asarray(np.abs(windows - np.median(windows, axis=0)).mean(axis=(1, 2)))


def _runs_leftwards(form: Form) -> bool:
    """Whether options stand in falling order from left to right in most rows, as where people read from the right."""
    ordered = [
        tuple(bubble.value for bubble in sorted(field.bubbles, key=lambda one: one.x))
        for field in form.fields
        if len({bubble.x for bubble in field.bubbles}) == len(field.bubbles) > 1
    ]
    return 2 * sum(values == tuple(sorted(values, reverse=True)) for values in ordered) > len(ordered) > 0
