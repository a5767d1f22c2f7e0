"""What the QR code of a page says: which sheet it is, whoever fed it into the scanner in whichever order."""

import cv2
import numpy as np

from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import PageCode

# Of the code's side, on each side: its quiet zone, and what a page is bent by.
AROUND = 0.2
# A code of version 3, the largest that an id of ours needs, has 29 modules: seven pixels each.
SIDE_PX = 29 * 7
LONGEST_TEXT = 100


def read_page_code(registered: Registered, code: PageCode | None) -> str | None:
    """None where the template has no code, or the page has none that can be read."""
    if code is None:
        return None
    left, top = code.x - AROUND * code.width, code.y - AROUND * code.height
    right, bottom = code.x + (1 + AROUND) * code.width, code.y + (1 + AROUND) * code.height
    corners = registered.to_page(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))
    side = round(SIDE_PX * (1 + 2 * AROUND))
    target = np.array([(0, 0), (side, 0), (side, side), (0, side)], dtype=np.float32)
    warp = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    picture = cv2.warpPerspective(registered.gray, warp, (side, side), flags=cv2.INTER_AREA, borderValue=255)
    text, *_ = cv2.QRCodeDetector().detectAndDecode(picture)
    return text[:LONGEST_TEXT] or None
