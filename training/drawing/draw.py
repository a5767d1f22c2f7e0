"""One random answer sheet from a seed: layout, print, and the marks of a few hands."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.answer_sheets.template import Field, FieldBlock, Shape, Template
from training.drawing.fiducials import print_fiducial
from training.drawing.hands import Hand, draw_mark, draw_stray, random_hand
from training.drawing.layout import ONE_DESIGN, random_template
from training.drawing.population import VARIED, Population
from training.drawing.prints import FONTS, Print, print_bubble, random_print, write
from training.drawing.sheet import DrawnSheet
from training.drawing.states import Drawn

# The share of sheets that one person marks with one tool; the others have several, so that more is learnt from each.
ONE_HAND = 0.6
# The share of sheets on which a long stroke runs over bubbles that it does not mark.
STRAY_STROKES = 0.12
# Of marked bubbles; filled ones are what most sheets hold, the others are there often enough to be learnt.
MARK_SHARES = {
    Drawn.FILLED: 0.5,
    Drawn.PARTIAL: 0.12,
    Drawn.ERASED: 0.12,
    Drawn.CANCELLED: 0.1,
    Drawn.TICK: 0.07,
    Drawn.CROSS: 0.09,
}


def draw_sheet(
    seed: int,
    *,
    px_per_mm: float = 8.0,
    page_mm: tuple[float, float] | None = None,
    shares: dict[Drawn, float] | None = None,
    strength: float | None = None,
    population: Population = VARIED,
) -> DrawnSheet:
    """The same seed draws the same bytes. `shares` are those of the marked bubbles' states, `strength` is that of all
    tools where it is given.
    """
    rng = np.random.default_rng([seed, 0xD4A])
    template = random_template(rng, page_mm)
    return draw_template(
        template,
        rng,
        px_per_mm=px_per_mm,
        shares=shares or MARK_SHARES,
        strength=strength,
        population=population,
    )


def draw_template(
    template: Template,
    rng: np.random.Generator,
    *,
    px_per_mm: float,
    shares: dict[Drawn, float],
    strength: float | None = None,
    population: Population = VARIED,
) -> DrawnSheet:
    """Print a template (in millimetres) and mark it."""
    frame = template.frame
    canvas = np.full((round(frame.height * px_per_mm), round(frame.width * px_per_mm)), 255, dtype=np.uint8)
    _print_surroundings(canvas, template, px_per_mm, rng)
    states: list[NDArray[np.int64]] = []
    designs, hands = _designs(len(template.blocks), population, rng)
    if strength is not None:
        hands = [replace(hand, strength=strength) for hand in hands]
    for block, (style, grown), hand in zip(template.blocks, designs, hands, strict=True):
        printed = np.array([block.half_width, block.half_height]) * px_per_mm * grown
        fields = block.expanded()
        _print_block(canvas, block, fields, px_per_mm, style=style.for_shape(block.shape), half=printed, rng=rng)
        marked = _states_of(fields, shares, rng)
        _mark_block(canvas, fields, marked, px_per_mm, shape=block.shape, hand=hand, half=printed, rng=rng)
        states.append(marked)
    if rng.random() < STRAY_STROKES:
        stray = draw_stray(hands[0], np.zeros_like(canvas), rng)
        canvas = _darkened(canvas, stray)
    return DrawnSheet(picture=canvas, px_per_mm=px_per_mm, template=template, states=np.concatenate(states))


def _designs(
    count: int, population: Population, rng: np.random.Generator
) -> tuple[list[tuple[Print, float]], list[Hand]]:
    """For each block its print, by how much it is larger than the template says, and who marks it."""
    one_print, one_hand = rng.random() < ONE_DESIGN, rng.random() < ONE_HAND
    designs = [(random_print(rng), float(rng.uniform(0.85, 1.12))) for _ in range(count)]
    hands = [random_hand(population, rng) for _ in range(count)]
    return designs[:1] * count if one_print else designs, hands[:1] * count if one_hand else hands


def _print_surroundings(canvas: NDArray[np.uint8], template: Template, scale: float, rng: np.random.Generator) -> None:
    """Fiducials, a title and a few lines of text and handwriting at the top of the page."""
    for fiducial in template.fiducials:
        print_fiducial(canvas, fiducial, scale, round(rng.uniform(0, 60)))
    height, width = canvas.shape
    top = min(field.bubbles[0].y - field.half_height for field in template.all_fields()) * scale
    y, font = 0.03 * height, str(rng.choice(FONTS))
    while y < top - 6 * scale:
        text = "".join(
            rng.choice(list("abcdefghijklmnoprstuvwy   EASNTI0123")) for _ in range(int(rng.integers(8, 45)))
        )
        centre = np.array([width * rng.uniform(0.35, 0.65), y])
        write(canvas, text, centre, scale * rng.uniform(1.6, 3.2), ink=rng.uniform(0, 0.5), font=font)
        y += scale * rng.uniform(4, 8)


def _print_block(
    canvas: NDArray[np.uint8],
    block: FieldBlock,
    fields: Sequence[Field],
    scale: float,
    *,
    style: Print,
    half: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    _print_ground(canvas, block, fields, scale, rng=rng)
    numbered, size = block.bubbles_run == "right" and rng.random() < 0.8, float(half.min())
    for number, field in enumerate(fields, 1):
        places = np.array([(bubble.x, bubble.y) for bubble in field.bubbles]) * scale
        if numbered:
            label = places[0] - np.array([half[0] + 1.3 * size + 6, 0])
            write(canvas, str(number), label, size * 1.1, ink=style.letter_ink * 0.7, font=style.font)
        for bubble, centre in zip(field.bubbles, places, strict=True):
            print_bubble(canvas, style, bubble.value, centre, half)


def _print_ground(
    canvas: NDArray[np.uint8], block: FieldBlock, fields: Sequence[Field], scale: float, *, rng: np.random.Generator
) -> None:
    """Shaded rows, a tinted block, or rules between rows: what designers put behind bubbles."""
    kind = rng.choice(["plain", "rows", "tint", "rules"], p=[0.6, 0.12, 0.1, 0.18])
    if kind == "plain":
        return
    centres = np.array([[(bubble.x, bubble.y) for bubble in field.bubbles] for field in fields]) * scale
    pad = 0.5 * block.field_step * scale
    for number, row in enumerate(centres):
        low, high = row.min(axis=0) - pad, row.max(axis=0) + pad
        x0, y0, x1, y1 = (max(0, int(v)) for v in (*low, *high))
        if kind == "tint" or (kind == "rows" and number % 2):
            part = canvas[y0:y1, x0:x1]
            np.minimum(part, round(rng.uniform(205, 240) if kind == "tint" and number == 0 else 225), out=part)
        elif kind == "rules":
            canvas[y1 : y1 + 2, x0:x1] = 90


def _states_of(fields: Sequence[Field], shares: dict[Drawn, float], rng: np.random.Generator) -> NDArray[np.int64]:
    """Mostly one mark a field; some fields blank, some with two; some blocks blank, or with one choice all the way."""
    kinds, weights = np.array([int(state) for state in shares]), np.array(list(shares.values()))
    weights = weights / weights.sum()
    whole = rng.choice(["mixed", "blank", "one column", "busy"], p=[0.8, 0.06, 0.06, 0.08])
    column = int(rng.integers(len(fields[0].bubbles)))
    rows = []
    for field in fields:
        row = np.zeros(len(field.bubbles), dtype=np.int64)
        count = {"blank": 0, "one column": 1}.get(str(whole))
        if count is None:
            many = [0.1, 0.35, 0.3, 0.25] if whole == "busy" else [0.12, 0.76, 0.1, 0.02]
            count = min(len(row), int(rng.choice(4, p=many)))
        places = np.array([column]) if whole == "one column" else rng.permutation(len(row))[:count]
        if count:
            row[places] = rng.choice(kinds, size=places.size, p=weights)
        rows.append(row)
    return np.concatenate(rows)


def _mark_block(
    canvas: NDArray[np.uint8],
    fields: Sequence[Field],
    states: NDArray[np.int64],
    scale: float,
    *,
    shape: Shape,
    hand: Hand,
    half: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    centres = np.array([(bubble.x, bubble.y) for field in fields for bubble in field.bubbles]) * scale
    reach = int(np.ceil(half.max() * 2.6))
    for centre, state in zip(centres, states, strict=True):
        if state == Drawn.BLANK:
            continue
        x0, y0 = np.maximum(np.floor(centre).astype(int) - reach, 0)
        part = canvas[y0 : y0 + 2 * reach, x0 : x0 + 2 * reach]
        mask = np.zeros(part.shape, dtype=np.uint8)
        pressed = hand.pressed(rng)
        ink = draw_mark(Drawn(state), pressed, mask, shape=shape, centre=centre - (x0, y0), half=half, rng=rng)
        part[:] = _darkened(part, ink)


def _darkened(paper: NDArray[np.uint8], ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (paper.astype(np.uint16) * (255 - ink.astype(np.uint16)) // 255).astype(np.uint8)
