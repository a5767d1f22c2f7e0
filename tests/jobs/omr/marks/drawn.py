"""Sheets drawn in the test: a form, marks of a kind at chosen places, and where the bubbles are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import FieldBlock, Frame, MarkRules, Output, OutputKind, Shape, Template

PX_PER_MM = 6.0
VALUES = ("A", "B", "C", "D", "E")


@dataclass(frozen=True)
class Style:
    """How the form is printed: the outline's thickness in pixels, its gray level, and what stands inside."""

    shape: Shape = Shape.CIRCLE
    line_px: int = 2
    ink: int = 60
    letters: bool = True
    half_width: float = 2.2
    half_height: float = 2.2


STYLES = {
    "letters in circles": Style(),
    "empty circles": Style(letters=False, ink=20),
    "thick circles": Style(line_px=4, ink=10),
    "faint drop-out print": Style(ink=200),
    "boxes": Style(shape=Shape.SQUARE, letters=False, ink=0),
    "wide ellipses": Style(half_width=2.8, half_height=1.8),
    "brackets": Style(line_px=0, ink=30),
}


def form_of(style: Style, rules: MarkRules | None = None, *, questions: int = 20, digits: int = 6) -> Form:
    """A form of `questions` with five options and a student number of `digits` columns."""
    size = {"shape": style.shape, "half_width": style.half_width, "half_height": style.half_height}
    asked = FieldBlock(
        name="questions",
        origin=(12, 12),
        bubble_step=8,
        field_step=7.5,
        fields=tuple(f"q{number}" for number in range(1, questions + 1)),
        values=VALUES,
        **size,
    )
    number = FieldBlock(
        name="number",
        kind="digit",
        origin=(65, 12),
        bubbles_run="down",
        bubble_step=7.5,
        field_step=8,
        fields=tuple(f"n{place}" for place in range(digits)),
        values=tuple("0123456789"),
        **size,
    )
    student = Output(name="student", kind=OutputKind.IDENTIFIER, fields=number.fields, student=True)
    template = Template(
        name="drawn",
        frame=Frame(width=120, height=170, mm_per_unit=1),
        blocks=(asked, number),
        outputs=(student,),
        rules=rules or MarkRules(),
    )
    return Form(template, {})


def printed(form: Form, style: Style) -> NDArray[np.uint8]:
    frame = form.template.frame
    page = np.full((round(frame.height * PX_PER_MM), round(frame.width * PX_PER_MM)), 245, dtype=np.uint8)
    for field in form.fields:
        half = (round(style.half_width * PX_PER_MM), round(style.half_height * PX_PER_MM))
        for bubble in field.bubbles:
            x, y = round(bubble.x * PX_PER_MM), round(bubble.y * PX_PER_MM)
            text = f"[{bubble.value}]" if style.line_px == 0 else bubble.value
            if style.shape is Shape.SQUARE:
                corners = (x - half[0], y - half[1]), (x + half[0], y + half[1])
                cv2.rectangle(page, *corners, style.ink, style.line_px)
            elif style.line_px:
                cv2.ellipse(page, (x, y), half, 0, 0, 360, style.ink, style.line_px, cv2.LINE_AA)
            if style.letters:
                wide = 6 * len(text)
                cv2.putText(page, text, (x - wide, y + 6), cv2.FONT_HERSHEY_SIMPLEX, 0.55, style.ink, 1, cv2.LINE_AA)
    return page


def mark(page: NDArray[np.uint8], form: Form, kind: str, *, at: tuple[str, str], seed: int = 0, ink: int = 70) -> None:
    """Draw a mark of a kind on the bubble of a field with a value."""
    rng = np.random.default_rng(seed)
    field = next(field for field in form.fields if field.name == at[0])
    bubble = next(bubble for bubble in field.bubbles if bubble.value == at[1])
    x, y = bubble.x * PX_PER_MM, bubble.y * PX_PER_MM
    rx, ry = field.half_width * PX_PER_MM, field.half_height * PX_PER_MM
    match kind:
        case "fill":
            x, y = x + rng.uniform(-0.1, 0.1) * rx, y + rng.uniform(-0.1, 0.1) * ry
            grown = rng.uniform(0.85, 1.1)
            cv2.ellipse(page, (round(x), round(y)), (round(rx * grown), round(ry * grown)), 0, 0, 360, ink, -1)
        case "box":
            cv2.rectangle(page, (round(x - rx), round(y - ry)), (round(x + rx), round(y + ry)), ink, -1)
        case "cross":
            for way in (-1, 1):
                ends = (
                    (round(x - 0.85 * rx), round(y - 0.85 * way * ry)),
                    (round(x + 0.85 * rx), round(y + 0.85 * way * ry)),
                )
                cv2.line(page, *ends, ink, 3, cv2.LINE_AA)
        case "tick":
            points = [(x - 0.6 * rx, y), (x - 0.1 * rx, y + 0.6 * ry), (x + rx, y - 1.1 * ry)]
            cv2.polylines(page, [np.rint(points).astype(np.int32)], False, ink, 4, cv2.LINE_AA)
        case "half":
            cv2.ellipse(page, (round(x), round(y)), (round(rx), round(ry)), 0, 90, 270, ink, -1)
        case "erased":
            fill = np.zeros(page.shape, np.float32)
            cv2.ellipse(fill, (round(x), round(y)), (round(rx), round(ry)), 0, 0, 360, 22.0, -1)
            smear = cv2.GaussianBlur(fill, (0, 0), 3)
            page[:] = np.clip(page - smear, 0, 255).astype(np.uint8)
        case "struck out":
            mark(page, form, "fill", at=at, seed=seed, ink=ink)
            for way in (-1, 1):
                ends = (round(x - 2 * rx), round(y - 2 * way * ry)), (round(x + 2 * rx), round(y + 2 * way * ry))
                cv2.line(page, *ends, ink, 4, cv2.LINE_AA)
        case _:
            raise ValueError(f"no such mark: {kind!r}")


def scanned(page: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Uneven light, blur and noise."""
    rng = np.random.default_rng([seed, 5])
    height, width = page.shape
    light = np.linspace(rng.uniform(0.7, 1), 1, width)[None] * np.linspace(1, rng.uniform(0.7, 1), height)[:, None]
    seen = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.4, 1.1)) * light + rng.normal(0, 3, page.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def registered(page: NDArray[np.uint8], form: Form, colour: NDArray[np.uint8] | None = None) -> Registered:
    return Registered(
        gray=page,
        colour=colour,
        positions=form.centres * PX_PER_MM,
        half_sizes_px=form.half_sizes * PX_PER_MM,
        px_per_unit=PX_PER_MM,
        residual_mm=0.05,
        method="drawn",
        quarter_turns=0,
        mode="scan",
        to_page=lambda points: points * PX_PER_MM,
    )


def shifted(found: Registered, by_px: float, seed: int) -> Registered:
    """Registration is never exact."""
    rng = np.random.default_rng([seed, 6])
    return replace(found, positions=found.positions + rng.uniform(-by_px, by_px, found.positions.shape))


def answers_drawn(
    page: NDArray[np.uint8],
    form: Form,
    answers: Mapping[str, tuple[str, ...]],
    *,
    kind: str = "fill",
    seed: int = 0,
    ink: int = 70,
) -> None:
    for place, (name, values) in enumerate(answers.items()):
        for value in values:
            mark(page, form, kind, at=(name, value), seed=seed * 1000 + place, ink=ink)
