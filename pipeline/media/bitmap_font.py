"""A 5x7 font, drawn for this project, so that a made video needs no font file of the machine."""

import numpy as np
from numpy.typing import NDArray

GLYPH_WIDTH, GLYPH_HEIGHT = 5, 7
# One pixel between letters and two between lines, in units of the font's own pixels.
ADVANCE = GLYPH_WIDTH + 1

# Seven rows of five bits each, top row first, leftmost pixel in the highest bit; two hexadecimal digits a row.
GLYPHS = {
    "A": "0e11111f111111", "B": "1e11111e11111e", "C": "0e11101010110e", "D": "1e11111111111e",
    "E": "1f10101e10101f", "F": "1f10101e101010", "G": "0e11101711110f", "H": "1111111f111111",
    "I": "0e04040404040e", "J": "0702020202120c", "K": "11121418141211", "L": "1010101010101f",
    "M": "111b1515111111", "N": "11191513111111", "O": "0e11111111110e", "P": "1e11111e101010",
    "Q": "0e11111115120d", "R": "1e11111e141211", "S": "0f10100e01011e", "T": "1f040404040404",
    "U": "1111111111110e", "V": "11111111110a04", "W": "11111115151b11", "X": "11110a040a1111",
    "Y": "11110a04040404", "Z": "1f01020408101f", "0": "0e11131519110e", "1": "040c040404040e",
    "2": "0e11010204081f", "3": "1f02040201110e", "4": "02060a121f0202", "5": "1f101e0101110e",
    "6": "0608101e11110e", "7": "1f010204080808", "8": "0e11110e11110e", "9": "0e11110f01020c",
    " ": "00000000000000", ".": "000000000c0c00", ",": "0000000c0c0408", ":": "000c0c000c0c00",
    "-": "0000001f000000", "+": "0004041f040400", "=": "00001f001f0000", "/": "01020204080810",
    "(": "02040808080402", ")": "08040202020408", "'": "04040800000000", "?": "0e110102040004",
    "%": "18190204081303", "^": "040a1100000000", "<": "02040810080402", ">": "08040201020408",
}  # fmt: skip


def draw_text(canvas: NDArray[np.uint8], text: str, *, x: int, y: int, scale: int, colour: tuple[int, int, int]) -> int:
    """Write `text` in capitals on an RGB canvas (height, width, 3), its top left corner at x, y; returns the right end.

    What lies outside the canvas is cut off; an unknown letter is a question mark.
    """
    for letter in text.upper():
        mask = np.kron(_glyph(letter), np.ones((scale, scale), dtype=bool))
        area = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
        area[mask[: area.shape[0], : area.shape[1]]] = colour
        x += ADVANCE * scale
    return x - scale


def text_width(text: str, scale: int) -> int:
    return (len(text) * ADVANCE - 1) * scale


def _glyph(letter: str) -> NDArray[np.bool_]:
    rows = bytes.fromhex(GLYPHS.get(letter, GLYPHS["?"]))
    bits = np.unpackbits(np.frombuffer(rows, dtype=np.uint8)[:, None], axis=1)
    return bits[:, 8 - GLYPH_WIDTH :].astype(bool)
