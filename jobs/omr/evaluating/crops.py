"""The errors of an evaluation as pictures: the piece of the page that was misread, and what was read and is true."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from jobs.omr.evaluating.comparing import Compared
from jobs.omr.form import Form
from jobs.omr.page import Colour, Gray
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import Output

# A field's bubbles are shown this many pixels wide, with so many bubbles' half sizes of the page around them.
BUBBLE_PX: Final = 40
AROUND: Final = 3.0
LARGEST_CROP_PX: Final = 1600


def write_crop(path: Path, registered: Registered, form: Form, *, compared: Compared) -> None:
    """A PNG of the fields of one question or identifier."""
    output = next(each for each in form.template.all_outputs() if each.name.casefold() == compared.name.casefold())
    crop = _captioned(_crop(registered, form, output), compared)
    done, encoded = cv2.imencode(".png", crop)
    if not done:
        raise RuntimeError(f"a picture of {crop.shape} could not be encoded")
    path.write_bytes(encoded.tobytes())


def has_output(form: Form, compared: Compared) -> bool:
    return any(each.name.casefold() == compared.name.casefold() for each in form.template.all_outputs())


def file_name(compared: Compared, number: int) -> str:
    """Letters and digits of any script stay; nothing in it can leave the folder."""
    words = f"{compared.verdict}-{Path(compared.sheet).stem}-{compared.name}"
    return f"{number:04}-" + "".join(letter if letter.isalnum() else "-" for letter in words)[:120] + ".png"


def _crop(registered: Registered, form: Form, output: Output) -> Gray:
    names = [field.name for field in form.fields]
    numbers = [names.index(name) for name in output.fields]
    some = np.isin(form.field_of_bubble, numbers)
    half = registered.half_sizes_px[some].max(axis=0)
    low = np.floor(registered.positions[some].min(axis=0) - AROUND * half).astype(int)
    high = np.ceil(registered.positions[some].max(axis=0) + AROUND * half).astype(int)
    height, width = registered.gray.shape
    left, top = max(0, min(low[0], width - 1)), max(0, min(low[1], height - 1))
    piece = registered.gray[top : max(top + 1, high[1]), left : max(left + 1, high[0])]
    scale = min(BUBBLE_PX / max(2 * float(half.max()), 1), LARGEST_CROP_PX / max(piece.shape))
    resized = cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def _captioned(crop: Gray, compared: Compared) -> Colour:
    lines = (
        f"{Path(compared.sheet).name} {compared.name}",
        f"true {_joined(compared.truth)}  read {_joined(compared.read)}  {compared.confidence:.2f} {compared.verdict}",
    )
    width = max(crop.shape[1], 12 * max(len(line) for line in lines))
    canvas = np.full((crop.shape[0] + 22 * len(lines) + 8, width, 3), 255, dtype=np.uint8)
    canvas[: crop.shape[0], : crop.shape[1]] = crop[:, :, None]
    for number, line in enumerate(lines, 1):
        place = (4, crop.shape[0] + 22 * number)
        cv2.putText(canvas, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 160), 1, cv2.LINE_AA)
    return canvas


def _joined(values: tuple[str, ...]) -> str:
    return "+".join(values) or "(blank)"
