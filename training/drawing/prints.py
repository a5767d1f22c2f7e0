"""What is printed at a bubble: its outline and the letter or digit in it, in black, grey or drop-out ink."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import reportlab
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.answer_sheets.template import Shape

Canvas = NDArray[np.uint8]
Points = NDArray[np.float64]

SUBPIXEL_BITS = 4
FONTS = ("Vera.ttf", "VeraBd.ttf", "VeraIt.ttf", "VeraBI.ttf", "default")
OUTLINES = ("circle", "oval", "box", "rounded", "brackets", "parentheses", "dots", "none")


@dataclass(frozen=True)
class Print:
    """How the bubbles of a block are printed. `ink` and `letter_ink` are the light they leave: 0 is black, 1 white;
    drop-out inks are light here, as a scanner's grey shows them. `line` is the outline's width and `letter_size` the
    letter's height in shares of the bubble's smaller size; no letter at 0. `tint` is the light that the bubble's inside
    leaves.
    """

    outline: str
    ink: float
    line: float
    letter_size: float
    letter_ink: float
    font: str
    tint: float
    lower_case: bool

    def for_shape(self, shape: Shape) -> "Print":
        """Boxes where the template says square; a template's circle may be any outline but a box."""
        if shape is Shape.SQUARE:
            return replace(self, outline="box")
        return replace(self, outline="circle") if self.outline == "box" else self


def random_print(rng: np.random.Generator) -> Print:
    dropout = rng.random() < 0.35
    ink = rng.uniform(0.5, 0.88) if dropout else rng.uniform(0.0, 0.45)
    outline = str(rng.choice(OUTLINES, p=[0.36, 0.14, 0.2, 0.07, 0.06, 0.05, 0.06, 0.06]))
    bare = outline in ("brackets", "parentheses", "none")
    letter = 0.0 if not bare and rng.random() < 0.35 else rng.uniform(0.45, 0.85)
    return Print(
        outline=outline,
        ink=ink,
        line=rng.uniform(0.02, 0.13),
        letter_size=letter,
        letter_ink=float(np.clip(ink + rng.normal(0, 0.12), 0, 0.9)),
        font=str(rng.choice(FONTS)),
        tint=rng.uniform(0.82, 0.97) if rng.random() < 0.12 else 1.0,
        lower_case=bool(rng.random() < 0.15),
    )


def print_bubble(canvas: Canvas, style: Print, value: str, centre: Points, half: Points) -> None:
    """Darken `canvas` (h, w; 255 is white) with one bubble; `centre` and `half` are pixels (x, y)."""
    size = float(2 * half.min())
    line = max(1, round(style.line * size))
    ink = round(style.ink * 255)
    if style.tint < 1:
        _ellipse(canvas, centre, half, round(style.tint * 255), -1)
    match style.outline:
        case "circle" | "oval":
            _ellipse(canvas, centre, half, ink, line)
        case "box":
            cv2.rectangle(canvas, _fixed(centre - half), _fixed(centre + half), ink, line, cv2.LINE_AA, SUBPIXEL_BITS)
        case "rounded":
            _rounded(canvas, centre, half, ink, line)
        case "brackets":
            _brackets(canvas, centre, half, ink, line)
        case "parentheses":
            for start in (-55, 125):
                _ellipse(canvas, centre, half, ink, line, arc=(start, start + 110))
        case "dots":
            for start in range(0, 360, 24):
                _ellipse(canvas, centre, half, ink, line, arc=(start, start + 10))
        case _:
            pass
    if style.letter_size:
        text = value.lower() if style.lower_case else value
        write(canvas, text, centre, style.letter_size * size, ink=style.letter_ink, font=style.font)


def write(canvas: Canvas, text: str, centre: Points, height: float, *, ink: float, font: str) -> None:
    """Print `text` with capitals of `height` pixels, its box centred on `centre`."""
    mask = _glyphs(text, font, max(4, round(height / 0.73)))
    top, left = round(centre[1] - mask.shape[0] / 2), round(centre[0] - mask.shape[1] / 2)
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(canvas.shape[0], top + mask.shape[0]), min(canvas.shape[1], left + mask.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    cut = mask[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32) / 255
    part = canvas[y0:y1, x0:x1]
    part[:] = (part * (1 - cut * (1 - ink))).astype(np.uint8)


@lru_cache(maxsize=4096)
def _glyphs(text: str, font: str, size: int) -> Canvas:
    """The text's ink as a mask cut to its box; the fonts are those that come with reportlab and Pillow."""
    face: ImageFont.FreeTypeFont | ImageFont.ImageFont
    if font == "default":
        face = ImageFont.load_default(size)
    else:
        face = ImageFont.truetype(str(Path(reportlab.__file__).parent / "fonts" / font), size)
    left, top, right, bottom = (round(edge) for edge in face.getbbox(text))
    picture = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(picture).text((-left, -top), text, font=face, fill=255)
    return np.asarray(picture)


def _fixed(point: Points) -> tuple[int, int]:
    scaled = np.round(point * (1 << SUBPIXEL_BITS)).astype(int)
    return int(scaled[0]), int(scaled[1])


def _ellipse(
    canvas: Canvas, centre: Points, half: Points, ink: int, line: int, *, arc: tuple[int, int] = (0, 360)
) -> None:
    cv2.ellipse(canvas, _fixed(centre), _fixed(half), 0, *arc, ink, line, cv2.LINE_AA, SUBPIXEL_BITS)


def _rounded(canvas: Canvas, centre: Points, half: Points, ink: int, line: int) -> None:
    """A pill: a box whose short sides are half circles."""
    radius = half.min()
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    edge = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius
    edge += np.sign(np.round(edge, 6)) * (half - radius)
    scaled = np.round((centre + edge) * (1 << SUBPIXEL_BITS)).astype(np.int32)
    cv2.polylines(canvas, [scaled], True, ink, line, cv2.LINE_AA, SUBPIXEL_BITS)


def _brackets(canvas: Canvas, centre: Points, half: Points, ink: int, line: int) -> None:
    for side in (-1, 1):
        x, serif = centre[0] + side * half[0], centre[0] + side * half[0] * 0.7
        corners = np.array(
            [
                (serif, centre[1] - half[1]),
                (x, centre[1] - half[1]),
                (x, centre[1] + half[1]),
                (serif, centre[1] + half[1]),
            ]
        )
        scaled = np.round(corners * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.polylines(canvas, [scaled], False, ink, line, cv2.LINE_AA, SUBPIXEL_BITS)
