"""Colours as codes, as light and as seen. Arrays are (3, n): red, green and blue, or I, P and T.

Light is in cd/m2. IPT (Ebner and Fairchild 1998) with PQ as its curve and 4 % of crosstalk between the cones, as in
Dolby's ICtCp white paper (2016): I is brightness in units of PQ, P and T are redness and yellowness, and a line
to grey keeps its hue.
"""

import numpy as np
from numpy.typing import NDArray

from jobs.transcode.colours.mastering import PQ_PEAK, Chromaticities

Values = NDArray[np.float64]

WHITE = (0.3127, 0.3290)  # D65
# Red, green and blue of ITU-R BT.709, BT.2020, SMPTE RP 431 and EG 432; of RP 431 its white is taken for D65, too.
BT709: Chromaticities = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3: Chromaticities = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
CHROMATICITIES = {"bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), "smpte431": P3, "smpte432": P3}

# SMPTE ST 2084
M1, M2 = 2610 / 16384, 2523 / 4096 * 128
C1, C2, C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
# ITU-R BT.2100, table 5
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073
# ITU-R BT.1886
SCREEN_GAMMA = 2.4

# CIE XYZ to the cones' L, M and S (Hunt, Pointer and Estevez, for D65), and these to I, P and T.
XYZ_TO_LMS = np.array([[0.40024, 0.70760, -0.08081], [-0.22630, 1.16532, 0.04570], [0.0, 0.0, 0.91822]])
CROSSTALK = np.array([[0.92, 0.04, 0.04], [0.04, 0.92, 0.04], [0.04, 0.04, 0.92]])
LMS_TO_IPT = np.array([[0.4, 0.4, 0.2], [4.455, -4.851, 0.396], [0.8056, 0.3572, -1.1628]])
IPT_TO_LMS = np.linalg.inv(LMS_TO_IPT)


def pq_light(codes: Values) -> Values:
    root = np.clip(codes, 0, 1) ** (1 / M2)
    return PQ_PEAK * (np.maximum(root - C1, 0) / (C2 - C3 * root)) ** (1 / M1)


def pq_codes(light: Values) -> Values:
    power = np.maximum(light / PQ_PEAK, 0) ** M1
    return ((C1 + C2 * power) / (1 + C3 * power)) ** M2


def pq_code(light: float) -> float:
    return float(pq_codes(np.array([light]))[0])


def hlg_light(codes: Values, *, darkest: float, brightest: float) -> Values:
    """As a display of these levels shows it (ITU-R BT.2100, table 5), with the gamma of BT.2390 for its brightness."""
    gamma = max(1.2 + 0.42 * np.log10(brightest / 1000), 1.0)
    lift = np.sqrt(3 * (darkest / brightest) ** (1 / gamma))
    raised = np.maximum((1 - lift) * codes + lift, 0)
    scene = np.where(raised <= 0.5, raised**2 / 3, (np.exp((raised - HLG_C) / HLG_A) + HLG_B) / 12)
    luma = np.array([0.2627, 0.6780, 0.0593]) @ scene
    return np.asarray(scene * luma ** (gamma - 1) * brightest)


def screen_light(codes: Values, *, brightest: float) -> Values:
    return brightest * np.maximum(codes, 0) ** SCREEN_GAMMA


def screen_codes(light: Values, *, brightest: float) -> Values:
    return np.clip(light / brightest, 0, 1) ** (1 / SCREEN_GAMMA)


class Primaries:
    """Red, green and blue of a display, between whose light and what is seen it converts."""

    def __init__(self, chromaticities: Chromaticities) -> None:
        columns = np.array([_xyz(*corner) for corner in chromaticities]).T
        to_xyz = columns * np.linalg.solve(columns, _xyz(*WHITE))
        self._to_lms = CROSSTALK @ XYZ_TO_LMS @ to_xyz
        self._from_lms = np.linalg.inv(self._to_lms)

    def seen(self, light: Values) -> Values:
        return LMS_TO_IPT @ pq_codes(self._to_lms @ light)

    def light(self, seen: Values) -> Values:
        """Negative or too bright where this display cannot show it."""
        return self._from_lms @ pq_light(IPT_TO_LMS @ seen)


def _xyz(x: float, y: float) -> Values:
    """Of brightness 1."""
    return np.array([x / y, 1.0, (1 - x - y) / y])
