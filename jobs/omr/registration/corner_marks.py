"""The declared corner marks among all that look like one: every pair is tried as a diagonal, the rest has to follow."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.layout import Points
from jobs.omr.registration.candidate import Candidate, onto
from jobs.omr.registration.evidence import InkAtScale, scaling
from jobs.omr.registration.marker_picture import by_picture
from jobs.omr.registration.marks_found import marks_of, spots_of
from pipeline.answer_sheets.template import Fiducial, FiducialKind

CORNER_KINDS = frozenset(
    {
        FiducialKind.SQUARE,
        FiducialKind.RING,
        FiducialKind.BRACKET,
        FiducialKind.L_MARK,
        FiducialKind.CROSS,
        FiducialKind.MARKER_IMAGE,
    }
)
# How far a mark may lie from where two others put it, as a share of their distance: perspective of a photo.
TOLERANCE = 0.17
# By what factor a mark may be larger or smaller than declared, as its natural logarithm.
SIZE_TOLERANCE = 0.28
# Two marks at the ends of a diagonal are at least this share of the picture's diagonal apart.
LEAST_DIAGONAL = 0.2
MOST_TRIED = 10


def placed_marks(form: Form) -> list[Fiducial]:
    """Those of which the template knows where they are; three of them at least are needed."""
    return [mark for mark in form.template.fiducials if mark.kind in CORNER_KINDS and mark.at is not None]


def by_corner_marks(page: InkAtScale, form: Form, shrink: int) -> Iterator[Candidate]:
    """Transforms that put three or four marks in their places, the best-fitting first."""
    marks = placed_marks(form)
    if len(marks) < 3:
        return
    ink = page.level(shrink)
    spots = spots_of(ink)
    size = (ink.shape[1], ink.shape[0])
    found = {kind: marks_of(spots, kind, size) for kind in {mark.kind for mark in marks}}
    for mark in marks:
        picture = form.pictures.get(mark.picture or "")
        if picture is not None and len(found[mark.kind]) < len(marks):
            found[mark.kind] = np.concatenate([found[mark.kind], by_picture(ink, picture)])
    targets = np.array([mark.at for mark in marks], np.float64)
    choices = [found[mark.kind] for mark in marks]
    method = "+".join(sorted({mark.kind.value for mark in marks}))
    to_page = np.linalg.inv(scaling(shrink))
    lengths = np.array([mark.length or np.nan for mark in marks])
    for who, where in _assignments(targets, lengths, choices, diagonal=float(np.hypot(*size))):
        candidate = onto(targets[who], where, f"{method}:{len(who)}")
        yield Candidate(to_page @ candidate.homography, candidate.method, targets[who])


def _assignments(
    targets: Points, lengths: NDArray[np.float64], choices: list[Points], *, diagonal: float
) -> Iterator[tuple[NDArray[np.intp], Points]]:
    """(k,) targets and their (k, 2) places, most marks and least misfit first.

    Both ends of a diagonal have to be as large as its length makes them: of three good marks of four two are one.
    """
    places = [points[:, :2] @ np.array([1, 1j]) for points in choices]
    # How much larger than declared each one is, as a logarithm; nothing is known of marks without a length.
    sizes = [np.log(points[:, 2] / length) for points, length in zip(choices, lengths, strict=True)]
    complex_targets = targets @ np.array([1, 1j])
    tried: list[tuple[float, NDArray[np.intp], Points]] = []
    apart = np.abs(complex_targets[:, None] - complex_targets[None])
    pairs = sorted(((-apart[i, j], i, j) for i in range(len(targets)) for j in range(i)), key=lambda pair: pair[0])
    for _, i, j in pairs[:2]:
        if not len(choices[i]) or not len(choices[j]):
            continue
        a, b = places[i], places[j]
        step = b[None] - a[:, None]
        logarithm = np.log(np.maximum(np.abs(step), 1) / apart[i, j])
        ends_fit = _alike(sizes[i][:, None], logarithm) & _alike(sizes[j][None], logarithm)
        firsts, seconds = np.nonzero((np.abs(step) > LEAST_DIAGONAL * diagonal) & ends_fit)
        step, logarithm = step[firsts, seconds], logarithm[firsts, seconds]
        turn = step / (complex_targets[j] - complex_targets[i])
        wanted = a[firsts][:, None] + turn[:, None] * (complex_targets - complex_targets[i])[None]
        # Both ends are where they are wanted; the other marks are looked for.
        nearest = np.full(wanted.shape, -1, np.intp)
        misfit = np.full(wanted.shape, np.inf)
        nearest[:, i], nearest[:, j], misfit[:, i], misfit[:, j] = firsts, seconds, 0, 0
        for k, points in enumerate(places):
            if k in {i, j} or not len(points):
                continue
            away = wanted[:, k, None] - points[None]
            off = np.square(away.real) + np.square(away.imag)
            off[~_alike(sizes[k][None], logarithm[:, None])] = np.inf
            nearest[:, k] = off.argmin(axis=1)
            misfit[:, k] = np.sqrt(off.min(axis=1)) / (TOLERANCE * np.abs(step))
        follows = misfit < 1
        counts = follows.sum(axis=1)
        misfits = np.where(follows, misfit, 0).sum(axis=1)
        for index in np.argsort(misfits - counts)[:MOST_TRIED]:
            who = np.flatnonzero(follows[index])
            if len(who) < 3:
                break
            where = np.array([choices[k][nearest[index, k], :2] for k in who])
            if len(set(map(tuple, where.tolist()))) == len(where):
                tried.append((float(misfits[index]) - len(who), who, where))
    given = set()
    for _, who, where in sorted(tried, key=lambda one: one[0])[:MOST_TRIED]:
        same = who.tobytes(), where.tobytes()
        if same not in given:
            given.add(same)
            yield who, where


def _alike(sizes: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether marks are as large as a transform's scale makes them; all are logarithms, and unknown sizes agree."""
    return ~(np.abs(sizes - scale) > SIZE_TOLERANCE)
