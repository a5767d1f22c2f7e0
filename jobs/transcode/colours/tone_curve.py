"""Which brightness of an HDR display becomes which of a plain one, in units of PQ, which the eye sees as even steps.

The curve is the one that FFmpeg's `scale` filter has with perceptual intent (libswscale/cms.c of FFmpeg 8): a parabola
up to a knee as SMPTE ST 2094-10 chooses it, a cubic above it that ends without a bend in the brightest.
"""

from dataclasses import dataclass

import numpy as np

from jobs.transcode.colours.spaces import Values

# Where in a display's range the curve turns.
KNEE = 0.4
KNEE_AT_LEAST, KNEE_AT_MOST = 0.1, 0.8
# The knee moves this share of the way to the same place in the other display's range.
ADAPTATION = 0.4
# An exponent of the slope in the knee: less for displays that differ little, 1 for those that differ much.
CONTRAST = 0.5
SLOPE_TUNING, SLOPE_AT_LEAST, SLOPE_AT_MOST = 1.5, 0.2, 1.2


@dataclass(frozen=True)
class ToneCurve:
    """From a range that begins at `darkest` and ends at `brightest` to one from 0 to `shown`."""

    darkest: float
    brightest: float
    shown: float

    def apply(self, intensity: Values) -> Values:
        knee = self.darkest + KNEE * (self.brightest - self.darkest)
        moved = knee + ADAPTATION * (KNEE * self.shown - knee)
        target = min(max(moved, KNEE_AT_LEAST * self.shown), KNEE_AT_MOST * self.shown)
        ratio = SLOPE_TUNING * (self.brightest / self.shown - 1)
        slope = (target / (knee - self.darkest)) ** (CONTRAST * min(max(ratio, SLOPE_AT_LEAST), SLOPE_AT_MOST))
        below, above, room = self.darkest - knee, self.brightest - knee, self.shown - target
        # With this slope in the knee the parabola begins in black; the cubic's second derivative ends at zero.
        bend = (-target - slope * below) / below**2
        excess = slope * above - room
        x = intensity - knee
        dark = (bend * x + slope) * x
        bright = ((excess / (2 * above**3) * x - 3 * excess / (2 * above**2)) * x + slope) * x
        return np.asarray(target + np.where(x > 0, bright, dark))
