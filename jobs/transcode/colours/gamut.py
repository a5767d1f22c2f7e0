"""Brings seen colours into what a screen can show, as FFmpeg's `scale` filter does (libswscale/cms.c of FFmpeg 8).

Only the most colourful of each hue is found in another way: on the edges of the cube of colours, which that filter
searches for anew at each of its table's nodes, in 4.6 s.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jobs.transcode.colours.spaces import SCREEN_GAMMA, Primaries, Values

# Perceptual intent: colours up to this share of the most colourful stay, the rest moves by the strength at most.
PROTECTED = 0.3
STRENGTH = 0.8
# Light above this share of the screen's brightest is rolled off.
SOFT_FROM = 0.7
# Relative intent: how much of a colour's way into the gamut is towards the most colourful's brightness.
TOWARDS_CUSP = 1.8
# Halvings of that way: less is left than two neighbouring codes of 12 bits differ by.
HALVINGS = 14
# Light that a screen can show, with what rounding adds to it (cd/m2).
LEAST_LIGHT, MORE_LIGHT = -1e-4, 1e-2
EDGE_POINTS = 65


class Cusps(NamedTuple):
    """The most colourful of each hue (radians, ascending): its chroma and intensity."""

    hues: Values
    chroma: Values
    intensity: Values

    def chroma_at(self, hues: Values) -> Values:
        return np.interp(hues, self.hues, self.chroma, period=2 * np.pi)

    def intensity_at(self, hues: Values) -> Values:
        return np.interp(hues, self.hues, self.intensity, period=2 * np.pi)


def find_cusps(primaries: Primaries, *, brightest: float) -> Cusps:
    """Along red, yellow, green, cyan, blue, magenta and back: neither black nor white is in these colours."""
    corners = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 0, 0]], np.float64)
    steps = np.linspace(0, 1, EDGE_POINTS)
    codes = [a[:, None] + (b - a)[:, None] * steps for a, b in pairwise(corners)]
    seen = primaries.seen(brightest * np.concatenate(codes, axis=1) ** SCREEN_GAMMA)
    hues = hues_of(seen)
    order = np.argsort(hues)
    return Cusps(hues=hues[order], chroma=chroma_of(seen)[order], intensity=seen[0][order])


def hues_of(seen: Values) -> Values:
    return np.asarray(np.arctan2(seen[2], seen[1]))


def chroma_of(seen: Values) -> Values:
    return np.asarray(np.hypot(seen[1], seen[2]))


def dimmed(seen: Values, intensity: Values) -> Values:
    """The same colours at another intensity: no more colourful when brighter, less when much darker."""
    before, now = np.maximum(seen[0], 1e-6), np.maximum(intensity, 1e-6)
    share = np.minimum(before / now, _room(now) / _room(before))
    return np.stack([intensity, seen[1] * share, seen[2] * share])


def _room(intensity: Values) -> Values:
    """How colourful light can be at an intensity, about."""
    return ((intensity - 6) * intensity + 9) * intensity


def fit_perceptually(seen: Values, *, graded: Primaries, shown: Primaries, brightest: float) -> Values:
    """Light of the screen `shown` for colours that were graded on a display of more: the most colourful move most."""
    hues, chroma = hues_of(seen), chroma_of(seen)
    cusps = (find_cusps(primaries, brightest=brightest) for primaries in (graded, shown))
    widest = np.maximum(*(cusp.chroma_at(hues) for cusp in cusps))
    moving = STRENGTH * smooth_step((chroma / widest - PROTECTED) / (1 - PROTECTED))
    # The same amounts of the screen's own red, green and blue.
    as_coded = shown.seen(graded.light(seen))
    light = shown.light(seen + moving * (as_coded - seen))
    return np.maximum(_rolled_off(light, brightest=brightest), 0)


def _rolled_off(light: Values, *, brightest: float) -> Values:
    """By a Moebius function that takes the strongest of a colour's three components to the brightest."""
    peak = np.max(light, axis=0) / brightest
    share = light / brightest
    over = np.maximum(peak - 1, 1e-6)
    knee = SOFT_FROM
    near = -(knee**2) * over / (knee**2 - 2 * knee + peak)
    far = (knee**2 - 2 * knee * peak + peak) / over
    scale = (far**2 + 2 * far * knee + knee**2) / (far - near)
    rolls = (peak > 1) & (share > knee)
    return np.where(rolls, scale * (share + near) / (np.where(rolls, share, 1) + far) * brightest, light)


def clip_to_gamut(seen: Values, *, shown: Primaries, brightest: float) -> Values:
    """Light of the screen: what it can show stays, all else goes on a curve towards the most colourful of its hue."""
    light = shown.light(seen)
    outside = ~_can_be_shown(light, brightest)
    far = seen[:, outside]
    cusps = find_cusps(shown, brightest=brightest)
    hues = hues_of(far)
    target = cusps.intensity_at(hues)
    exponent = TOWARDS_CUSP * np.maximum(far[0] / target, 0) ** 3
    exponent *= np.minimum(chroma_of(far) / cusps.chroma_at(hues), 1)
    inside, step = np.zeros(far.shape[1]), 0.5
    for _ in range(HALVINGS):
        fits = _can_be_shown(shown.light(_on_the_way(far, inside + step, target, exponent)), brightest)
        inside += np.where(fits, step, 0)
        step /= 2
    light[:, outside] = shown.light(_on_the_way(far, inside, target, exponent))
    return light


def _on_the_way(seen: Values, share: Values, target: Values, exponent: Values) -> Values:
    """From a grey of the target's intensity (0) to the colours themselves (1)."""
    return np.stack([target + (seen[0] - target) * share**exponent, seen[1] * share, seen[2] * share])


def _can_be_shown(light: Values, brightest: float) -> NDArray[np.bool_]:
    return np.asarray(np.all((light >= LEAST_LIGHT) & (light <= brightest + MORE_LIGHT), axis=0))


def smooth_step(x: Values) -> Values:
    bounded = np.clip(x, 0, 1)
    return bounded**2 * (3 - 2 * bounded)
