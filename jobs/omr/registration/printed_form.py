"""The blank form's own picture found in the page, feature by feature; for sheets without any register marks."""

from collections.abc import Iterator

import cv2
import numpy as np

from jobs.omr.form import Form
from jobs.omr.page import Gray
from jobs.omr.registration.candidate import Candidate
from pipeline.answer_sheets.template import FiducialKind

LOOKED_AT_PX = 1100
FEATURES = 1500
# Lowe's ratio test (IJCV 2004, section 7.1).
RATIO = 0.8
LEAST_MATCHES = 12
MISFIT_PX = 4.0


def by_printed_form(gray: Gray, form: Form) -> Iterator[Candidate]:
    """The homography that most features agree on; the picture's size is the frame's."""
    for fiducial in form.template.fiducials:
        picture = form.pictures.get(fiducial.picture or "")
        if fiducial.kind is not FiducialKind.FORM or picture is None:
            continue
        features = cv2.ORB.create(FEATURES)
        blank, _ = _small(picture)
        page, page_scale = _small(gray)
        blank_points, blank_words = features.detectAndCompute(blank, None)
        page_points, page_words = features.detectAndCompute(page, None)
        if blank_words is None or page_words is None or len(page_points) < LEAST_MATCHES:
            continue
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(blank_words, page_words, k=2)
        good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance]
        if len(good) < LEAST_MATCHES:
            continue
        source = np.array([blank_points[match.queryIdx].pt for match in good])
        target = np.array([page_points[match.trainIdx].pt for match in good])
        found, agree = cv2.findHomography(source, target, cv2.RANSAC, MISFIT_PX)
        if found is None or agree.sum() < LEAST_MATCHES:
            continue
        frame = form.template.frame
        to_blank = np.diag([blank.shape[1] / frame.width, blank.shape[0] / frame.height, 1.0])
        to_page = np.diag([1 / page_scale, 1 / page_scale, 1.0])
        yield Candidate(np.asarray(to_page @ found @ to_blank, np.float64), "form")


def _small(gray: Gray) -> tuple[Gray, float]:
    scale = min(1.0, LOOKED_AT_PX / max(gray.shape))
    return np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale
