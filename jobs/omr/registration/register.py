"""From a page to the place of every bubble on it, or to the reason why there is none.

Cheap evidence is tried first and taken at once when the bubbles agree with it: declared marks, the picture's or the
paper's own corners, the blank form's picture. What is dear, looking for the bubbles everywhere, comes last.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.layout import Points, moved
from jobs.omr.networks.paper_finder import paper_corners_by_network
from jobs.omr.page import Page, PageRefused
from jobs.omr.registration.candidate import Candidate, all_turns, frame_corners
from jobs.omr.registration.canvas import canvas_of
from jobs.omr.registration.corner_marks import by_corner_marks, placed_marks
from jobs.omr.registration.displacements import Displacements
from jobs.omr.registration.evidence import InkAtScale, darkest_channel
from jobs.omr.registration.found import Found
from jobs.omr.registration.kinship import LEAST_STANDING_OUT, standing_out
from jobs.omr.registration.lattice import Filter, contrast, outlines, response
from jobs.omr.registration.lattice_search import by_lattice
from jobs.omr.registration.marks_found import DARK
from jobs.omr.registration.page_edge import papers_of
from jobs.omr.registration.printed_form import by_printed_form
from jobs.omr.registration.refining import Fit, Looking, followed, loosened
from jobs.omr.registration.registered import Registered
from jobs.omr.registration.seating import canvas_for_units, seated
from jobs.omr.registration.settling import settled
from jobs.omr.registration.slips import CLEAR_DIFFERENCE
from jobs.omr.registration.timing_tracks import by_timing_tracks
from jobs.omr.registration.upright import quarter_turns_of, turned
from jobs.omr.registration.way_up import SEARCHED, is_declared, way_up
from pipeline.answer_sheets.template import FiducialKind
from pipeline.reasons import Reason

# Marks are looked for on a copy of the page of about this length.
LOOKED_AT_PX = 1100
# A fit this good needs no other candidate; one below the second pair is a guess and refused. Calibrated on real sets
# with each other's templates: right pages lie above, wrong forms below.
CLEAR_AGREEMENT, CLEAR_STRENGTH = 0.87, 0.45
LEAST_AGREEMENT, LEAST_STRENGTH = 0.8, 0.4
# Where little of the form is printed, so many rows have to be seen, and nearly all of them to agree.
LEAST_SEEN, NEARLY_ALL = 8, 0.95
# The share of single bubbles that have to be seen, and of those of a lattice that was only searched for.
LEAST_COVERAGE, SEARCHED_COVERAGE = 0.85, 0.9
# A page with less ink on it than this share has no form on it.
LEAST_INK = 5e-4
# How bubbles are looked for, fast and then thoroughly, and how much larger than the template says they may be printed.
SEEN_BY: tuple[tuple[Filter, float], ...] = ((response, 1.0), (outlines, 1.0), (outlines, 1.3), (outlines, 0.78))
REFINED_PER_SOURCE = 2
# How far noise is smeared, as a standard deviation in pixels of that copy, where no marks are found.
BLUR_PX = 1.5
# Paper whose opposite sides differ more than this was not laid on a scanner.
PHOTO_PERSPECTIVE = 0.012
# A fit is so much worse upside down where its bubbles alone tell which way up a form is.
CLEARLY_WORSE = 0.7


def register(page: Page, form: Form) -> Registered:
    """Every bubble's place; raises PageRefused with what was measured: PAGE_NOT_REGISTERED, or TEMPLATE_MISMATCH where
    the form fits but to something that is not its own.
    """
    ink = InkAtScale(darkest_channel(page))
    shrink = max(1, round(max(page.gray.shape) / LOOKED_AT_PX))
    papers = papers_of(page, ink, shrink)
    dark = (ink.level(shrink) > DARK).view(np.uint8)
    if cv2.countNonZero(dark) < LEAST_INK * dark.size:
        raise PageRefused(Reason.PAGE_NOT_REGISTERED, "the page is empty")
    found, foreign = _found_by_lattice(page, ink, form, papers)
    if found is None or not (found.is_seated if found.is_of_units else is_believed(found.fit, found.method)):
        if foreign:
            raise PageRefused(Reason.TEMPLATE_MISMATCH, foreign)
        assert found is not None
        residual_mm = found.fit.residual * form.layout.radius * form.mm_per_unit
        seen = f"agreement {found.fit.agreement:.2f}, strength {found.fit.strength:.2f}, residual {residual_mm:.2f} mm"
        raise PageRefused(Reason.PAGE_NOT_REGISTERED, f"{seen}, by {found.method}")
    if found.doubted.any():
        found = _with_fewest_doubts(found, ink, form)
    upright, undecided = _the_right_way_up(found, form)
    return replace(_registered(page, form, upright, on_desk=bool(papers)), undecided=undecided)


def _found_by_lattice(page: Page, ink: InkAtScale, form: Form, papers: list[Points]) -> tuple[Found | None, str]:
    """The best fit of all, believed or not, and why one that would have been believed is another form's."""
    best: Found | None = None
    foreign = ""
    tried: list[Candidate] = []
    layout, canvas = form.layout, canvas_of(form.layout)
    for candidate in _candidates(page, ink, form, papers):
        if candidate is None:
            if best is not None and is_believed(best.fit, best.method):
                break
            seat = _seated_first(tried, ink, form)
            if seat is not None:
                return seat, ""
            continue
        tried.append(candidate)
        for seeing, size in SEEN_BY:
            looking = Looking(ink, layout, canvas, seeing, size)
            fit = settled(looking, candidate.homography)
            if best is not None and fit.quality <= best.fit.quality:
                continue
            if is_believed(fit, candidate.method):
                share = standing_out(fit.likeness, fit.places, layout, canvas)
                if share < LEAST_STANDING_OUT:
                    foreign = f"{share:.2f} of bubbles stand out from what is beside them, by {candidate.method}"
                    continue
            best = Found(fit, candidate, layout, canvas, partial(followed, looking))
            if is_clear(fit) and is_believed(fit, candidate.method):
                break
        if best is not None and is_clear(best.fit) and is_believed(best.fit, best.method):
            break
    return best, foreign


def _by_units(ink: InkAtScale, form: Form, candidate: Candidate, homography: NDArray[np.float64]) -> Found:
    def refit(start: NDArray[np.float64]) -> Fit:
        return seated(ink, form.layout, start, candidate=Candidate(start, candidate.method))

    fit = seated(ink, form.layout, homography, candidate=candidate)
    return Found(fit, candidate, form.layout, canvas_for_units(form.layout), refit, is_of_units=True)


def _seated_first(candidates: list[Candidate], ink: InkAtScale, form: Form) -> Found | None:
    """The first whose units all lie right, else the one with the fewest doubts; None where none is believed."""
    best: Found | None = None
    for candidate in candidates:
        found = _by_units(ink, form, candidate, candidate.homography)
        if found.is_seated and (best is None or found.doubted.sum() < best.doubted.sum()):
            best = found
            if not best.doubted.any():
                break
    return best


def _with_fewest_doubts(found: Found, ink: InkAtScale, form: Form) -> Found:
    """The form's units put in their places one by one, where that leaves fewer bubbles in doubt; also without the
    marks, since one of them may be none.
    """
    best, candidate = found, found.candidate
    unheld = replace(candidate, anchors=candidate.anchors[:0])
    for start, held in (
        (found.fit.homography, candidate),
        (candidate.homography, candidate),
        (found.fit.homography, unheld),
    ):
        other = _by_units(ink, form, held, start)
        if other.is_seated and other.doubted.sum() < best.doubted.sum():
            best = other
    return best


def _the_right_way_up(found: Found, form: Form) -> tuple[Found, bool]:
    """What was found, turned if it was upside down, and whether that is left to a person."""
    fit, layout = found.fit, form.layout
    if not layout.looks_alike_turned or is_declared(fit, found.method, found.candidate.homography, form):
        return found, False
    turns = quarter_turns_of(fit.homography, form.centres.mean(axis=0))
    way = way_up(fit.ink, fit.places, form, found.canvas, upright={0: True, 2: False}.get(turns))
    if way.sure and not way.turned:
        return found, False
    other = replace(found, fit=found.refit(fit.homography @ layout.half_turn))
    if other.fit.quality < CLEARLY_WORSE * fit.quality:
        return found, False
    return (other if way.turned else found), not way.sure


def is_believed(fit: Fit, method: str) -> bool:
    """Most of what is seen agrees, or nearly all where a page holds little of the form.

    Nothing is believed that would fit better a row or a column further. What was only searched for has to fit worse
    there, and hardly any bubble of it may be missing.
    """
    if fit.slips.best[1] > CLEAR_DIFFERENCE:
        return False
    most = fit.agreement >= LEAST_AGREEMENT and fit.strength >= LEAST_STRENGTH and fit.coverage >= LEAST_COVERAGE
    if method == SEARCHED:
        full = fit.agreement >= CLEAR_AGREEMENT and fit.coverage >= SEARCHED_COVERAGE
        return most and full and fit.slips.lies_right
    return most or is_clear(fit)


def is_clear(fit: Fit) -> bool:
    """So good that no other candidate is asked."""
    little = fit.agreement >= NEARLY_ALL and fit.seen >= LEAST_SEEN
    full = fit.agreement >= CLEAR_AGREEMENT and fit.strength >= CLEAR_STRENGTH and fit.coverage >= LEAST_COVERAGE
    return little or full


def _candidates(page: Page, ink: InkAtScale, form: Form, papers: list[Points]) -> Iterator[Candidate | None]:
    """Candidates of one kind of evidence after the other, each kind's best few; what is dear only if it is asked.

    None stands between what the template and the page's edge tell and what is only searched for.
    """
    shrink = max(1, round(max(page.gray.shape) / LOOKED_AT_PX))
    frame = form.template.frame
    corners = frame_corners(frame.width, frame.height)
    whole = frame_corners(page.gray.shape[1] - 1, page.gray.shape[0] - 1)
    kinds = {fiducial.kind for fiducial in form.template.fiducials}
    sheets = papers or [whole]
    method = "page_edge" if papers else "whole_image"
    given: list[Candidate] = []
    for source in (
        lambda: _by_marks(ink, form, shrink),
        lambda: chain.from_iterable(all_turns(corners, sheet, method) for sheet in sheets),
        lambda: _turned_onto(corners, paper_corners_by_network(page.gray)),
        lambda: by_timing_tracks(ink, form, sheets[0]),
        lambda: by_printed_form(page.gray, form),
        lambda: all_turns(corners, whole, "whole_image") if papers and FiducialKind.WHOLE_IMAGE in kinds else (),
    ):
        candidates = _best(list(source()), ink, form, shrink)
        yield from candidates
        given += candidates
    yield None
    searched = list(by_lattice(ink, form.layout, sheets[0]))
    yield from searched
    canvas = canvas_of(form.layout)
    for candidate in chain(given, searched):
        yield Candidate(loosened(ink, candidate.homography, form.layout, canvas), SEARCHED)


def _by_marks(ink: InkAtScale, form: Form, shrink: int) -> list[Candidate]:
    """Marks that noise tears to pieces are whole where the page is blurred."""
    found = list(by_corner_marks(ink, form, shrink))
    if found or not placed_marks(form):
        return found
    blurred = np.asarray(cv2.GaussianBlur(ink.darkness, (0, 0), BLUR_PX * shrink), np.uint8)
    return list(by_corner_marks(InkAtScale(blurred), form, shrink))


def _turned_onto(frame: Points, paper: Points | None) -> list[Candidate]:
    return [] if paper is None else list(all_turns(frame, paper, "page_corners"))


def _best(candidates: list[Candidate], ink: InkAtScale, form: Form, shrink: int) -> list[Candidate]:
    """The first, which is upright, then those with most ink on their bubbles."""
    if len(candidates) <= 1:
        return candidates
    heights = [contrast(ink, candidate.homography, form.layout, shrink) for candidate in candidates]
    order = [int(index) for index in np.argsort(heights)[::-1][:REFINED_PER_SOURCE]]
    return [candidates[index] for index in dict.fromkeys([*order[:1], 0, *order])]


def _registered(page: Page, form: Form, found: Found, *, on_desk: bool) -> Registered:
    fit = found.fit
    turns = quarter_turns_of(fit.homography, form.centres.mean(axis=0))
    page, homography = turned(page, fit.homography, turns)
    to_page = _Placing(homography, fit.local)
    # Across half a bubble the local field is the same.
    places = form.centres + fit.off
    positions = moved(homography, places)
    across, down = (
        np.hypot(*(moved(homography, places + step * form.half_sizes) - positions).T)
        for step in (np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    )
    half_sizes = np.stack([across, down], axis=1)
    return Registered(
        gray=page.gray,
        colour=page.colour,
        positions=positions,
        half_sizes_px=half_sizes,
        px_per_unit=float(np.median(half_sizes / form.half_sizes)),
        residual_mm=fit.residual * form.layout.radius * form.mm_per_unit,
        method=found.method,
        quarter_turns=turns,
        mode="photo" if on_desk or _is_tilted(homography, form) else "scan",
        to_page=to_page,
        doubted=found.doubted,
        blocks_doubted=found.units_doubted,
        block_residual_mm=found.furthest * form.mm_per_unit,
    )


class _Placing:
    """Frame units to pixels of the upright page: the homography after the local field."""

    def __init__(self, homography: NDArray[np.float64], local: Displacements) -> None:
        self._homography = homography
        self._local = local

    def __call__(self, points: Points) -> Points:
        return moved(self._homography, points + self._local.at(points))


def _is_tilted(homography: NDArray[np.float64], form: Form) -> bool:
    frame = form.template.frame
    a, b, c, d = moved(homography, frame_corners(frame.width, frame.height))
    sides = [float(np.hypot(*side)) for side in (b - a, c - d, d - a, c - b)]
    unequal = max(abs(sides[0] / sides[1] - 1), abs(sides[2] / sides[3] - 1))
    return unequal > PHOTO_PERSPECTIVE
