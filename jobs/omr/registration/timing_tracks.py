"""Timing tracks: rows of black bars along two opposite sides, whose outer corners the template ties to its frame."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.layout import Points, moved
from jobs.omr.registration.candidate import Candidate, onto
from jobs.omr.registration.evidence import InkAtScale, scaling
from jobs.omr.registration.marks_found import DARK
from pipeline.answer_sheets.template import Fiducial, FiducialKind, Side

FLAT_LONG_SIDE_PX = 1000
# A bar's sides, as shares of the sheet's longer one, its fill, and how many make a track.
THINNEST, LONGEST = 0.0025, 0.05
LEAST_FILL = 0.68
LEAST_BARS = 8
# Bars of one track lie within this share of the sheet's longer side of a straight line.
COLUMN = 0.02


def by_timing_tracks(page: InkAtScale, form: Form, corners: Points) -> Iterator[Candidate]:
    """The frame by the ends of a left and a right track, in four orientations; `corners` are the sheet's, clockwise."""
    tracks = {
        mark.side: mark
        for mark in form.template.fiducials
        if mark.kind is FiducialKind.TIMING_TRACK and mark.at is not None and mark.length is not None
    }
    left, right = tracks.get(Side.LEFT), tracks.get(Side.RIGHT)
    if left is None or right is None:
        return
    targets = np.array([*_ends(left), *_ends(right)])
    for turns in range(4):
        turned = np.roll(corners, -turns, axis=0)
        bars, to_page = _bars(page, turned)
        columns = _columns(bars)
        if len(columns) < 2:
            continue
        first, last = columns[0], columns[-1]
        places = np.array([*_outer_ends(bars[first], outer=0), *_outer_ends(bars[last], outer=2)])
        yield onto(targets, moved(to_page, places), "timing_track")


def _ends(track: Fiducial) -> tuple[tuple[float, float], tuple[float, float]]:
    assert track.at is not None
    assert track.length is not None
    return (track.at[0], track.at[1] - track.length / 2), (track.at[0], track.at[1] + track.length / 2)


def _bars(page: InkAtScale, corners: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(b, 4) left, top, right, bottom of bars on the flattened sheet, and the way back to page pixels."""
    across, down = np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[3] - corners[0]))
    scale = FLAT_LONG_SIDE_PX / max(across, down)
    width, height = round(across * scale), round(down * scale)
    flat = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float32)
    to_page = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    ink, shrink = page.for_scale(1 / scale)
    to_level = scaling(shrink) @ to_page
    dark = cv2.warpPerspective(ink, to_level, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    _, _, stats, _ = cv2.connectedComponentsWithStats((dark > DARK).astype(np.uint8), connectivity=4)
    thin, long = stats[:, 2:4].min(axis=1), stats[:, 2:4].max(axis=1)
    fits = (thin >= THINNEST * FLAT_LONG_SIDE_PX) & (long <= LONGEST * FLAT_LONG_SIDE_PX) & (long > 1.15 * thin)
    fits &= stats[:, 4] > LEAST_FILL * stats[:, 2] * stats[:, 3]
    box = stats[fits].astype(np.float64)
    return np.concatenate([box[:, :2], box[:, :2] + box[:, 2:4] - 1], axis=1), np.asarray(to_page, np.float64)


def _columns(bars: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Sets of bars of one size above one another, from left to right; only such as reach over half the sheet."""
    middles = (bars[:, 0] + bars[:, 2]) / 2
    widths = bars[:, 2] - bars[:, 0] + 1
    found: list[NDArray[np.intp]] = []
    for index in np.argsort(middles):
        alike = (np.abs(middles - middles[index]) < COLUMN * FLAT_LONG_SIDE_PX) & (
            np.abs(widths - widths[index]) < 0.3 * widths[index] + 1
        )
        members = np.flatnonzero(alike)
        if len(members) < LEAST_BARS or any(np.isin(members, other).mean() > 0.3 for other in found):
            continue
        if np.ptp(bars[members, 1]) > 0.4 * FLAT_LONG_SIDE_PX:
            found.append(members)
    return found


def _outer_ends(bars: NDArray[np.float64], *, outer: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """The track's outer corners, top and bottom: a line along the bars' outer sides (column `outer` of a bar)."""
    top, bottom = bars[:, 1].min(), bars[:, 3].max()
    slope, start = np.polyfit((bars[:, 1] + bars[:, 3]) / 2, bars[:, outer], 1)
    return (slope * top + start, top), (slope * bottom + start, bottom)
