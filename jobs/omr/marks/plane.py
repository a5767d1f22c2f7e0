"""The plane of a colour page in which marks are read: the one that drops the printed form out, where there is one."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.page import Gray
from jobs.omr.registration.registered import Registered

# Where the print of a bubble is looked for: on its outline and across its middle, in half sizes from the centre.
RADII: Final = (0.0, 0.3, 0.6, 0.8, 0.9, 1.0, 1.1)
ANGLES: Final = 16
PAPER_RADIUS: Final = 1.5
# So many bubbles of a sheet tell how its print looks.
SAMPLED_BUBBLES: Final = 120
# Print fainter than this (as a share of the paper's level) does not get in the way of marks.
FAINT_PRINT: Final = 0.06
# A channel is taken only if print is at most this share as dark in it as in gray: a pen of the colour that a channel
# drops would vanish too, so that black print is read in gray.
DROPS_OUT: Final = 0.6


def reading_plane(registered: Registered) -> Gray:
    """`gray`, or the colour channel in which the bubbles' print is much lighter than in gray."""
    if registered.colour is None or not len(registered.positions):
        return registered.gray
    print_in_gray = _print_darkness(registered.gray[:, :, None], registered)[0]
    if print_in_gray < FAINT_PRINT:
        return registered.gray
    by_channel = _print_darkness(registered.colour, registered)
    lightest = int(np.argmin(by_channel))
    if by_channel[lightest] > DROPS_OUT * print_in_gray:
        return registered.gray
    return np.asarray(cv2.extractChannel(registered.colour, lightest), dtype=np.uint8)


def _print_darkness(picture: NDArray[np.uint8], registered: Registered) -> NDArray[np.float64]:
    """(channels,) darkness of the bubbles' print: of each bubble its darkest places, of all bubbles the median."""
    angles = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    printed = _sampled(picture, registered, np.concatenate([radius * circle for radius in RADII]))
    paper = np.quantile(_sampled(picture, registered, PAPER_RADIUS * circle), 0.8, axis=1)
    darkest = np.quantile(printed, 0.25, axis=1)
    return np.asarray(np.median(1 - darkest / np.maximum(paper, 1), axis=0))


def _sampled(picture: NDArray[np.uint8], registered: Registered, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, len(offsets), channels) levels at `offsets`, in half sizes from the bubbles' centres."""
    every = max(1, len(registered.positions) // SAMPLED_BUBBLES)
    positions, half_sizes = registered.positions[::every], registered.half_sizes_px[::every]
    points = positions[:, None, :] + offsets[None] * half_sizes[:, None, :]
    columns = np.clip(np.rint(points[..., 0]).astype(np.intp), 0, picture.shape[1] - 1)
    rows = np.clip(np.rint(points[..., 1]).astype(np.intp), 0, picture.shape[0] - 1)
    return picture[rows, columns].astype(np.float64)
