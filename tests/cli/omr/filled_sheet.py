"""A printed sheet as it comes back from a student and a scanner."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pypdfium2
from numpy.typing import NDArray

from pipeline.answer_sheets.importing.opening import open_template

DPI: Final = 150
PX_PER_MM: Final = DPI / 25.4
NUMBER: Final = "01048273"
MARKS: Mapping[str, Sequence[str]] = {"q1": "A", "q2": "E", "q3": "", "q4": "BD", "q20": "C"}


def scanned(pdf: Path, template: Path) -> NDArray[np.uint8]:
    """The printed page with NUMBER and MARKS filled in, on a scanner that was not quite straight."""
    page = np.array(pypdfium2.PdfDocument(pdf)[0].render(scale=DPI / 72, grayscale=True).to_numpy())
    number = {f"student_number{place}": digit for place, digit in enumerate(NUMBER, start=1)}
    for field in open_template(template).template.all_fields():
        for bubble in field.bubbles:
            if bubble.value in MARKS.get(field.name, "") or number.get(field.name) == bubble.value:
                centre = round(bubble.x * PX_PER_MM), round(bubble.y * PX_PER_MM)
                cv2.circle(page, centre, round(0.85 * field.half_width * PX_PER_MM), 40, -1, cv2.LINE_AA)
    height, width = page.shape
    turned = cv2.warpAffine(
        page, cv2.getRotationMatrix2D((width / 2, height / 2), 1.5, 1), (width, height), borderValue=255
    )
    return np.asarray(cv2.rotate(turned, cv2.ROTATE_180), dtype=np.uint8)
