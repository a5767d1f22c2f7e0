"""What the page's QR code says."""

import cv2

from jobs.omr.form import Form
from jobs.omr.page import Gray


def page_id_of(gray: Gray, form: Form) -> str | None:
    """None for now where a template declares no QR code."""
    return None
