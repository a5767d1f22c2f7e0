"""A drawn sheet printed, handled and captured: the same sheet, degradation and seed give the same bytes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.degrading.degradation import Capture, Degradation
from training.degrading.geometry import MM_PER_INCH, View, random_view
from training.degrading.light import lit
from training.degrading.paper import printed
from training.drawing.sheet import DrawnSheet

Light = NDArray[np.float32]

# A difference in light between paper and table that the eye sees.
EDGE_SHOWS = 0.08


@dataclass(frozen=True)
class Captured:
    """`gray` (height, width) uint8 and where the page's points are in it. `edge_shows` tells whether the paper can be
    told from what lies around it.
    """

    gray: NDArray[np.uint8]
    view: View
    edge_shows: bool


def degrade(sheet: DrawnSheet, degradation: Degradation, seed: int) -> Captured:
    """Print, then light and lens, then sensor and file."""
    rng = np.random.default_rng([seed, 0xDE6])
    frame = sheet.template.frame
    view = random_view((frame.width, frame.height), degradation, rng)
    page = printed(sheet.picture, sheet.px_per_mm, degradation, rng)
    page = _blurred(page, sheet.px_per_mm, degradation, rng)
    photo = degradation.capture is Capture.PHOTO
    table = (
        float(rng.uniform(0.02, 0.6))
        if photo
        else float(rng.choice([degradation.paper, 0.05, 1.0], p=[0.7, 0.15, 0.15]))
    )
    seen = view.resample(page, sheet.px_per_mm, table)
    seen = lit(seen, degradation, rng)
    edge_shows = abs(table - degradation.paper) > EDGE_SHOWS
    return Captured(gray=_recorded(seen, degradation, rng), view=view, edge_shows=edge_shows)


def _blurred(page: Light, px_per_mm: float, degradation: Degradation, rng: np.random.Generator) -> Light:
    """The lens, movement, and what a coarser sampling would otherwise alias."""
    coarser = px_per_mm / (degradation.dpi / MM_PER_INCH)
    sigma = float(np.hypot(degradation.blur_mm * px_per_mm, 0.4 * max(coarser - 0.7, 0)))
    if sigma > 0.3:
        page = np.asarray(cv2.GaussianBlur(page, (0, 0), sigma), dtype=np.float32)
    length = round(degradation.motion_mm * px_per_mm)
    if length >= 2:
        kernel = np.zeros((length * 2 + 1, length * 2 + 1), dtype=np.float32)
        angle = rng.uniform(0, np.pi)
        reach = np.round(np.array([np.cos(angle), np.sin(angle)]) * length / 2).astype(int)
        cv2.line(
            kernel,
            (length - int(reach[0]), length - int(reach[1])),
            (length + int(reach[0]), length + int(reach[1])),
            1.0,
        )
        page = np.asarray(cv2.filter2D(page, -1, kernel / kernel.sum()), dtype=np.float32)
    return page


def _recorded(seen: Light, degradation: Degradation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Contrast, sharpening, noise, one bit or JPEG: what the device makes of the light."""
    light = np.clip(seen, 0, 1) ** np.float32(degradation.gamma)
    light = np.float32(1 - degradation.contrast) * np.float32(0.75) + light * np.float32(degradation.contrast)
    if degradation.sharpening:
        light += np.float32(degradation.sharpening) * (light - cv2.GaussianBlur(light, (0, 0), 1.2))
    if degradation.noise:
        # A stretch of noise laid out anew costs a tenth of drawing it for each pixel.
        grain = rng.standard_normal(1 << 18, dtype=np.float32)
        grain = np.resize(grain[: (1 << 18) - 37], light.shape)
        light = light + grain * np.float32(degradation.noise)
    if degradation.one_bit is not None:
        return np.where(light > degradation.one_bit, 255, 0).astype(np.uint8)
    gray = np.clip(light * 255, 0, 255).astype(np.uint8)
    if degradation.jpeg_quality is not None:
        _, data = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, degradation.jpeg_quality])
        gray = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return np.rot90(gray, degradation.quarter_turns).copy() if degradation.quarter_turns else gray
