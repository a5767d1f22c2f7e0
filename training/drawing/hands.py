"""Marks as people make them: a tool in a hand, more or less careful.

Every function draws on a mask (h, w) uint8 where 255 is full ink; `centre` and `half` are pixels (x, y). Later, ink
darkens the paper below it by the tool's strength.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.answer_sheets.template import Shape
from training.drawing.population import Population
from training.drawing.states import Drawn

Mask = NDArray[np.uint8]
Points = NDArray[np.float64]

SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Hand:
    """`strength` is how much of the light the tool takes (1 is black), `width` its line in shares of the bubble's size,
    `grain` how much the paper's tooth shows through, `care` from 0 (careless) to 1; the rest as its population has it.
    """

    strength: float
    width: float
    grain: float
    care: float
    slant: float
    fill_style: str
    pressure: tuple[float, float] | None
    cornered_fills: float

    def pressed(self, rng: np.random.Generator) -> "Hand":
        """The hand at its next mark."""
        if self.pressure is None:
            return self
        return replace(self, strength=min(1.0, self.strength * rng.uniform(*self.pressure)))


# The share of fills that are a few thick strokes through the bubble: hasty, but marks.
SMEARED_FILLS = 0.08
# Of the fills that reach into all four corners of a box so many go over a cross that was there first.
CROSSED_BEFORE = 0.35
FILL_STYLES = ("zigzag", "spiral", "disc", "loops", "dense")


def random_hand(population: Population, rng: np.random.Generator) -> Hand:
    """Pencils from faint to 2B, ballpoints, gel pens and felt tips."""
    tool = rng.choice(["pencil", "ballpoint", "gel", "felt"], p=[0.5, 0.2, 0.2, 0.1])
    strength, width, grain = {
        "pencil": (rng.uniform(0.28, 0.8), rng.uniform(0.1, 0.24), rng.uniform(0.1, 0.5)),
        "ballpoint": (rng.uniform(0.5, 0.9), rng.uniform(0.06, 0.14), rng.uniform(0.0, 0.2)),
        "gel": (rng.uniform(0.75, 1.0), rng.uniform(0.08, 0.18), 0.0),
        "felt": (rng.uniform(0.7, 1.0), rng.uniform(0.2, 0.45), 0.0),
    }[str(tool)]
    return Hand(
        strength=strength,
        width=width,
        grain=grain,
        care=rng.uniform(0.2, 1.0),
        slant=rng.uniform(0.2, 1.3),
        fill_style=str(rng.choice(FILL_STYLES)),
        pressure=population.pressure,
        cornered_fills=population.cornered_fills,
    )


def draw_mark(
    state: Drawn, hand: Hand, mask: Mask, *, shape: Shape, centre: Points, half: Points, rng: np.random.Generator
) -> Mask:
    """Draw one mark; the result is `mask` with the tool's strength and grain applied, 255 where no light is left."""
    match state:
        case Drawn.BLANK:
            return mask
        case Drawn.FILLED:
            if shape is Shape.SQUARE and hand.cornered_fills and rng.random() < hand.cornered_fills:
                _fill_box(hand, mask, centre, half, rng)
            elif rng.random() < SMEARED_FILLS:
                _smear(hand, mask, centre, half, rng)
            else:
                _fill(hand, mask, centre, half * rng.uniform(0.52, 1.12 + 0.3 * (1 - hand.care)), rng)
        case Drawn.PARTIAL:
            _partial(hand, mask, centre, half, rng)
        case Drawn.ERASED:
            return _erased(hand, mask, centre, half, rng)
        case Drawn.CANCELLED:
            _cancelled(hand, mask, centre, half, rng)
        case Drawn.TICK:
            _tick(hand, mask, centre, half, rng)
        case Drawn.CROSS:
            _cross(hand, mask, centre, half, rng)
    return _inked(hand, mask, rng)


def draw_stray(hand: Hand, mask: Mask, rng: np.random.Generator) -> Mask:
    """A long stroke that means nothing: a signature's tail, a slipped pen, a line drawn through everything."""
    size = np.array(mask.shape[::-1], dtype=np.float64)
    start = rng.uniform(0, 1, 2) * size
    end = start + rng.normal(0, 0.25, 2) * size.min()
    _stroke(mask, _bowed(start, end, rng.normal(0, 0.25), 16), max(2.0, rng.uniform(0.002, 0.005) * size.min()))
    return _inked(hand, mask, rng)


def _inked(hand: Hand, mask: Mask, rng: np.random.Generator) -> Mask:
    ink = mask.astype(np.float32) * hand.strength
    if hand.grain:
        tooth = rng.normal(1.0, hand.grain, mask.shape).astype(np.float32)
        ink *= np.clip(cv2.GaussianBlur(tooth, (0, 0), 0.8) * 1.0, 0, 1.4)
    return np.clip(ink, 0, 255).astype(np.uint8)


def _stroke(mask: Mask, points: Points, thickness: float) -> None:
    cv2.polylines(mask, [_fixed(points)], False, 255, max(1, round(thickness)), cv2.LINE_AA, SUBPIXEL_BITS)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << SUBPIXEL_BITS)).astype(np.int32)


def _line(hand: Hand, half: Points, rng: np.random.Generator) -> float:
    return float(max(1.0, hand.width * 2 * half.min() * rng.uniform(0.8, 1.2)))


def _wander(hand: Hand, centre: Points, half: Points, rng: np.random.Generator) -> Points:
    return centre + rng.normal(0, 0.05 + 0.12 * (1 - hand.care), 2) * half


def _bowed(start: Points, end: Points, bow: float, steps: int = 8) -> Points:
    """Points from start to end along an arc; `bow` is its height in shares of the length."""
    along = np.linspace(0, 1, steps)[:, None]
    across = np.array([start[1] - end[1], end[0] - start[0]])
    return start + (end - start) * along + across * bow * np.sin(np.pi * along)


def _fill(hand: Hand, mask: Mask, centre: Points, half: Points, rng: np.random.Generator) -> None:
    middle, line = _wander(hand, centre, half, rng), _line(hand, half, rng)
    inner = np.maximum(half - line * 0.4, 1.0)
    match hand.fill_style:
        case "zigzag" | "dense":
            gap = line * (rng.uniform(0.55, 0.8) if hand.fill_style == "dense" else rng.uniform(0.7, 1.35))
            _stroke(mask, middle + _zigzag(inner, gap, hand.slant + rng.normal(0, 0.15), rng), line)
        case "spiral":
            turns = max(1.5, half.min() / (line * rng.uniform(0.75, 1.1)))
            angle = np.linspace(0, 2 * np.pi * turns, int(14 * turns))
            radius = (angle / angle[-1])[:, None] * (1 + rng.normal(0, 0.05, (angle.size, 1)))
            _stroke(mask, middle + inner * radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), line)
        case "loops":
            for _ in range(int(rng.integers(3, 7))):
                angle = np.linspace(0, 2.2 * np.pi, 18)
                ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * inner * rng.uniform(0.25, 0.95)
                _stroke(mask, middle + ring + rng.normal(0, 0.06, 2) * half, line)
            _stroke(mask, middle + _zigzag(inner * 0.8, line * 1.1, hand.slant, rng), line)
        case _:
            angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
            edge = np.stack([np.cos(angle), np.sin(angle)], axis=1) * half
            edge *= 1 + rng.normal(0, 0.02 + 0.06 * (1 - hand.care), (angle.size, 1))
            cv2.fillPoly(mask, [_fixed(middle + edge)], 255, cv2.LINE_AA, SUBPIXEL_BITS)


def _fill_box(hand: Hand, mask: Mask, centre: Points, half: Points, rng: np.random.Generator) -> None:
    """Up to its four sides and into its corners, as is asked of who takes a cross back by filling its box."""
    if rng.random() < CROSSED_BEFORE:
        _cross(hand, mask, centre, half, rng)
    middle, line = centre + rng.normal(0, 0.03 + 0.06 * (1 - hand.care), 2) * half, _line(hand, half, rng)
    inner = np.maximum(half * rng.uniform(0.88, 1.08 + 0.12 * (1 - hand.care)) - line * 0.4, 1.0)
    if hand.fill_style == "disc":
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (1 + rng.normal(0, 0.04, (4, 2)))
        cv2.fillPoly(mask, [_fixed(middle + corners * half)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return
    rows = max(4, int(2 * half.max() / max(line * rng.uniform(0.5, 0.95), 0.8)))
    across = np.linspace(-1, 1, rows) + rng.normal(0, 0.3 / rows, rows)
    reach = 1 + np.abs(rng.normal(0, 0.04 + 0.12 * (1 - hand.care), (2, rows)))
    points = np.stack([np.stack([-reach[0], reach[1]], axis=1).ravel(), np.repeat(across, 2)], axis=1)
    tilt = rng.normal(0, 0.12)
    turned = points @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    _stroke(mask, middle + (turned if rng.random() < 0.5 else turned[:, ::-1]) * inner, line)


def _smear(hand: Hand, mask: Mask, centre: Points, half: Points, rng: np.random.Generator) -> None:
    """Back and forth along one direction, reaching beyond the bubble's ends but not its sides."""
    angle, size = rng.uniform(0, np.pi), float(half.mean())
    along = np.array([np.cos(angle), np.sin(angle)]) * size * rng.uniform(0.8, 1.5)
    across = np.array([-np.sin(angle), np.cos(angle)]) * size * rng.uniform(0.15, 0.45)
    middle, line = _wander(hand, centre, half, rng), max(_line(hand, half, rng), 0.2 * size)
    turns = np.linspace(-1, 1, int(rng.integers(3, 7)))
    sides = np.where(np.arange(turns.size) % 2, 1.0, -1.0)
    points = middle + sides[:, None] * along * rng.uniform(0.85, 1.1, (turns.size, 1)) + turns[:, None] * across
    _stroke(mask, points, line)


def _zigzag(half: Points, gap: float, slant: float, rng: np.random.Generator) -> Points:
    """Back and forth within an ellipse, around (0, 0)."""
    rows = max(3, int(2 * half.max() / max(gap, 0.8)))
    across = np.linspace(-0.97, 0.97, rows)
    reach = np.sqrt(1 - across**2) * (1 + rng.normal(0, 0.06, rows))
    points = np.empty((2 * rows, 2))
    points[0::2] = np.stack([-reach, across], axis=1)
    points[1::2] = np.stack([reach, across + 0.5 / rows], axis=1)
    cos, sin = np.cos(slant), np.sin(slant)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]) * half)


def _partial(hand: Hand, mask: Mask, centre: Points, half: Points, rng: np.random.Generator) -> None:
    line = _line(hand, half, rng)
    match rng.choice(["dot", "side", "slash", "sparse"]):
        case "dot":
            _fill(hand, mask, centre + rng.uniform(-0.35, 0.35, 2) * half, half * rng.uniform(0.15, 0.36), rng)
        case "side":
            _fill(hand, mask, centre, half * rng.uniform(0.85, 1.05), rng)
            angle, cut = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, -0.1)
            y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
            along = ((x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)) / half.max()
            mask[along > cut] = 0
        case "slash":
            angle = rng.choice([0.0, -0.8, 0.8, -1.57]) + rng.normal(0, 0.15)
            reach = np.array([np.cos(angle), np.sin(angle)]) * half.max() * rng.uniform(0.7, 1.5)
            _stroke(mask, _bowed(centre - reach, centre + reach, rng.normal(0, 0.08)), min(line, 0.25 * half.min()))
        case _:
            inner = half * rng.uniform(0.25, 0.45)
            _stroke(mask, _wander(hand, centre, half, rng) + _zigzag(inner, line * 2.5, hand.slant, rng), line)


def _erased(hand: Hand, mask: Mask, centre: Points, half: Points, rng: np.random.Generator) -> Mask:
    """A smear where the fill was, wider than it, with some lines that the rubber left."""
    _fill(hand, mask, centre, half * rng.uniform(0.85, 1.1), rng)
    left = mask.astype(np.float32) * hand.strength
    smear = cv2.GaussianBlur(left, (0, 0), float(half.mean()) * rng.uniform(0.15, 0.4))
    patches = cv2.GaussianBlur(rng.normal(0, 1, mask.shape).astype(np.float32), (0, 0), float(half.mean()) * 0.35)
    patches = np.clip(patches / (patches.std() + 1e-6), 0, 2)
    ink = smear * rng.uniform(0.06, 0.22) + left * patches * rng.uniform(0.02, 0.16)
    return np.clip(ink, 0, 255).astype(np.uint8)


def _cancelled(hand: Hand, mask: Mask, centre: Points, half: Points, rng: np.random.Generator) -> None:
    """Filled, then struck out far beyond the bubble: a large cross, several lines, or a wild scribble."""
    _fill(hand, mask, centre, half * rng.uniform(0.8, 1.05), rng)
    line, size = _line(hand, half, rng), float(half.max())
    way = rng.choice(["cross", "lines", "scribble"])
    if way == "cross":
        _arms(mask, centre, size * rng.uniform(1.6, 2.1), max(line, 0.14 * size), rng)
    elif way == "lines":
        angle = rng.normal(0, 0.5)
        reach = np.array([np.cos(angle), np.sin(angle)]) * size * rng.uniform(1.6, 2.2)
        for _ in range(int(rng.integers(2, 5))):
            shift = np.array([-np.sin(angle), np.cos(angle)]) * size * rng.uniform(-0.7, 0.7)
            _stroke(mask, _bowed(centre - reach + shift, centre + reach + shift, rng.normal(0, 0.05)), line)
    else:
        wide = np.array([size, size]) * rng.uniform(1.5, 2.0, 2)
        _stroke(mask, centre + _zigzag(wide, line * rng.uniform(1.0, 2.0), hand.slant, rng), line)


def _arms(mask: Mask, centre: Points, reach: float, line: float, rng: np.random.Generator) -> None:
    tilt = rng.normal(0, 0.2)
    for angle in (np.pi / 4 + tilt, -np.pi / 4 + tilt + rng.normal(0, 0.12)):
        arm = np.array([np.cos(angle), np.sin(angle)]) * reach * rng.uniform(0.85, 1.15)
        middle = centre + rng.normal(0, 0.06, 2) * reach
        _stroke(mask, _bowed(middle - arm, middle + arm, rng.normal(0, 0.05)), line)


def _cross(hand: Hand, mask: Mask, centre: Points, half: Points, rng: np.random.Generator) -> None:
    line = min(_line(hand, half, rng), 0.45 * float(half.min()))
    middle = _wander(hand, centre, half, rng)
    _arms(mask, middle, float(half.mean()) * rng.uniform(0.75, 1.5), line, rng)
    if rng.random() < 0.15:
        _arms(mask, middle, float(half.mean()) * rng.uniform(0.75, 1.3), line, rng)


def _tick(hand: Hand, mask: Mask, centre: Points, half: Points, rng: np.random.Generator) -> None:
    line = min(_line(hand, half, rng), 0.45 * float(half.min()))
    size = float(half.mean()) * rng.uniform(0.8, 1.5)
    knee = centre + (np.array([-0.15, 0.5]) + rng.normal(0, 0.12, 2)) * size
    start = knee + np.array([-0.55, -0.55]) * size * rng.uniform(0.5, 1.1, 2)
    end = knee + np.array([0.9, -1.25]) * size * rng.uniform(0.7, 1.3, 2)
    _stroke(mask, np.concatenate([_bowed(start, knee, 0.05), _bowed(knee, end, rng.normal(0.05, 0.05))]), line)
