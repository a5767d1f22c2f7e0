"""What happens to a sheet between the printer and the reader, as numbers."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Capture(StrEnum):
    """A scan shows the page alone, a photo shows it on a table, from an angle."""

    SCAN = "scan"
    PHOTO = "photo"


@dataclass(frozen=True)
class Degradation:
    """All off by default: a clean scan. Strengths are shares of full light unless they name a unit.

    `ink_spread_mm` is how far print and marks grow (or, negative, shrink), `blur_mm` the lens's standard deviation on
    paper, `noise` the sensor's standard deviation, `perspective` the largest shift of a page corner as a share of the
    page's side, `curvature` the page's bow as a share of its width, `gradient` the light lost across the page, `shadow`
    that under an edge, `glare` the light added at a spot, `bleed` how dark the page's other side shines through,
    `contrast` the distance that is left between paper and black, `one_bit` the threshold of a 1-bit scan. `dpi` is the
    resolution on paper; `jpeg_quality` 1 to 100.
    """

    capture: Capture = Capture.SCAN
    dpi: float = 200.0
    ink_spread_mm: float = 0.0
    print_fading: float = 0.0
    blur_mm: float = 0.0
    motion_mm: float = 0.0
    noise: float = 0.0
    skew_deg: float = 0.0
    perspective: float = 0.0
    curvature: float = 0.0
    gradient: float = 0.0
    shadow: float = 0.0
    glare: float = 0.0
    bleed: float = 0.0
    specks: float = 0.0
    paper: float = 0.96
    contrast: float = 1.0
    gamma: float = 1.0
    sharpening: float = 0.0
    jpeg_quality: int | None = None
    one_bit: float | None = None
    quarter_turns: int = 0


def random_degradation(rng: np.random.Generator) -> Degradation:
    """A scanner's, a copier's or a phone's page, from good to as bad as people hand in."""
    photo = bool(rng.random() < 0.45)
    one_bit = not photo and rng.random() < 0.12
    dpi = float(np.exp(rng.uniform(np.log(75), np.log(160 if photo else 320))))

    def sometimes(share: float, low: float, high: float) -> float:
        return float(rng.uniform(low, high)) if rng.random() < share else 0.0

    return Degradation(
        capture=Capture.PHOTO if photo else Capture.SCAN,
        dpi=max(dpi, 150.0) if one_bit else dpi,
        ink_spread_mm=sometimes(0.35, -0.06, 0.12),
        print_fading=sometimes(0.25, 0.05, 0.6),
        blur_mm=float(rng.uniform(0.02, 0.12)) + sometimes(0.3, 0.0, 0.35 if photo else 0.2),
        motion_mm=sometimes(0.15, 0.1, 0.6) if photo else 0.0,
        noise=float(rng.uniform(0.0, 0.02)) + sometimes(0.3, 0.0, 0.06 if photo else 0.03),
        skew_deg=float(rng.normal(0, 2.0 if photo else 0.8)),
        perspective=float(rng.uniform(0.0, 0.06)) if photo else 0.0,
        curvature=sometimes(0.4, -0.015, 0.015) if photo else 0.0,
        gradient=float(rng.uniform(0.0, 0.5)) if photo else sometimes(0.2, 0.0, 0.15),
        shadow=sometimes(0.35, 0.1, 0.55) if photo else 0.0,
        glare=sometimes(0.15, 0.1, 0.5) if photo else 0.0,
        bleed=sometimes(0.2, 0.03, 0.15),
        specks=sometimes(0.2, 0.2, 1.0),
        paper=float(rng.uniform(0.55, 0.95)) if photo else float(rng.uniform(0.82, 1.0)),
        contrast=float(rng.uniform(0.55, 1.0)),
        gamma=float(rng.uniform(0.7, 1.4)),
        sharpening=sometimes(0.3, 0.3, 1.5),
        jpeg_quality=None if rng.random() < 0.2 else int(rng.integers(25, 96)),
        one_bit=float(rng.uniform(0.45, 0.75)) if one_bit else None,
    )
