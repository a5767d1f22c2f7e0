"""Where things stand on a random sheet: blocks of choices and of digits on shelves from top to bottom."""

from dataclasses import dataclass

import numpy as np

from pipeline.answer_sheets.template import FieldBlock, FieldKind, Frame, Shape, Template
from training.drawing.fiducials import random_fiducials

VALUES = ("ABCDE", "12345", "abcde", "1234567890", "0123456789", "ABCDEFGHIJ", "FGHJK", "TFXYZ")
# The share of forms on which all blocks look the same.
ONE_DESIGN = 0.6
PAGES_MM = ((210.0, 297.0), (216.0, 279.0), (148.0, 210.0), (210.0, 148.0), (105.0, 148.0))


@dataclass(frozen=True)
class _Shelf:
    left: float
    top: float
    right: float
    bottom: float


def random_template(rng: np.random.Generator, page_mm: tuple[float, float] | None = None) -> Template:
    """A template in millimetres with fiducials and as many random blocks as the page holds."""
    width, height = page_mm or PAGES_MM[int(rng.choice(len(PAGES_MM), p=[0.3, 0.1, 0.2, 0.1, 0.3]))]
    fiducials = random_fiducials(width, height, rng)
    room = _Shelf(width * 0.11, height * rng.uniform(0.1, 0.2), width * 0.91, height * 0.91)
    blocks: list[FieldBlock] = []
    # Most forms have one size of bubble, some have several.
    one_size = _random_size(rng) if rng.random() < ONE_DESIGN else None
    x, y, lowest = room.left, room.top, room.top
    for _ in range(60):
        block: FieldBlock | None = _random_block(f"b{len(blocks) + 1}", (x, y), one_size or _random_size(rng), rng)
        assert block is not None
        right, bottom = _reach(block)
        if bottom > room.bottom:
            block = _cut_to(block, room.bottom)
            if block is None:
                break
            right, bottom = _reach(block)
        if right > room.right:
            x, y = room.left, lowest + rng.uniform(3, 10)
            continue
        blocks.append(block)
        x, lowest = right + rng.uniform(6, 14), max(lowest, bottom)
    if not blocks:
        blocks.append(_smallest_block((room.left, room.top)))
    return Template(
        name="drawn", frame=Frame(width=width, height=height, mm_per_unit=1), fiducials=fiducials, blocks=tuple(blocks)
    )


def _reach(block: FieldBlock) -> tuple[float, float]:
    along = block.bubble_step * (len(block.values) - 1)
    across = block.field_step * (len(block.fields) - 1)
    dx, dy = (along, across) if block.bubbles_run == "right" else (across, along)
    return block.origin[0] + dx + block.half_width, block.origin[1] + dy + block.half_height


def _cut_to(block: FieldBlock, bottom: float) -> FieldBlock | None:
    """The block with as few fields as end above `bottom`, or None where that leaves fewer than two."""
    if block.bubbles_run == "down":
        return None
    count = int((bottom - block.half_height - block.origin[1]) / block.field_step) + 1
    return block.model_copy(update={"fields": block.fields[:count]}) if count >= 2 else None


def _random_size(rng: np.random.Generator) -> tuple[float, float]:
    """Half width and half height in millimetres."""
    half_height = float(rng.uniform(1.1, 3.0))
    return half_height * float(rng.choice([1.0, 1.0, rng.uniform(1.1, 1.9)])), half_height


def _random_block(
    name: str, corner: tuple[float, float], half: tuple[float, float], rng: np.random.Generator
) -> FieldBlock:
    half_width, half_height = half
    digits = rng.random() < 0.3
    values = "0123456789" if digits else str(rng.choice(VALUES))[: int(rng.integers(2, 6))]
    count = int(rng.integers(2, 9)) if digits else int(rng.integers(3, 26))
    run_along = half_height if digits else half_width
    run_across = half_width if digits else half_height
    return FieldBlock(
        name=name,
        kind=FieldKind.DIGIT if digits else FieldKind.CHOICE,
        shape=Shape.SQUARE if rng.random() < 0.3 else Shape.CIRCLE,
        half_width=half_width,
        half_height=half_height,
        origin=(corner[0] + half_width, corner[1] + half_height),
        bubbles_run="down" if digits else "right",
        bubble_step=2 * run_along * rng.uniform(1.12, 2.2),
        field_step=2 * run_across * rng.uniform(1.12, 1.9),
        fields=tuple(f"{name}_{k + 1}" for k in range(count)),
        values=tuple(values),
    )


def _smallest_block(corner: tuple[float, float]) -> FieldBlock:
    return FieldBlock(
        name="b1",
        half_width=2,
        half_height=2,
        origin=(corner[0] + 2, corner[1] + 2),
        bubble_step=6,
        field_step=6,
        fields=("b1_1", "b1_2", "b1_3"),
        values=tuple("ABCD"),
    )
