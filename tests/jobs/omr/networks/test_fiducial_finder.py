import numpy as np
import pytest

from jobs.omr.networks.fiducial_finder import find_corners
from jobs.omr.networks.paper_finder import paper_corners_by_network
from jobs.omr.networks.session import Provider
from pipeline.answer_sheets.template import FiducialKind
from training.degrading.degradation import Capture, Degradation
from training.degrading.degrade import degrade
from training.drawing.draw import draw_sheet
from training.page_places import places_of

PHOTO = Degradation(capture=Capture.PHOTO, dpi=80, blur_mm=0.1, skew_deg=3, perspective=0.04, gradient=0.2, paper=0.85)
SEEDS = range(9_000, 9_006)


@pytest.mark.parametrize("quarter_turns", [0, 1])
def test_corners_and_fiducials_of_photos_are_among_the_candidates(quarter_turns: int):
    found = total = 0
    for seed in SEEDS:
        drawn = draw_sheet(seed, px_per_mm=3.0, page_mm=(210.0, 297.0))
        if drawn.template.fiducials[0].kind is FiducialKind.PAGE_EDGE:
            continue
        captured = degrade(drawn, PHOTO, seed)
        candidates = find_corners(np.rot90(captured.gray, -quarter_turns), Provider.CPU)
        for points, said in zip(places_of(drawn.template), (candidates.page, candidates.fiducials), strict=True):
            truth = captured.view.to_capture(points)
            if quarter_turns:
                truth = np.stack([captured.gray.shape[0] - 1 - truth[:, 1], truth[:, 0]], axis=1)
            near = np.linalg.norm(truth[:, None] - said[None], axis=2).min(axis=1, initial=np.inf)
            found, total = found + int((near < 0.015 * max(captured.gray.shape)).sum()), total + len(truth)
    assert found > 0.85 * total


def test_a_white_page_has_no_fiducials():
    assert len(find_corners(np.full((400, 300), 250, dtype=np.uint8), Provider.CPU).fiducials) == 0


def test_the_papers_outline_goes_clockwise_from_the_top_left():
    right = total = 0
    for seed in SEEDS:
        drawn = draw_sheet(seed, px_per_mm=3.0, page_mm=(210.0, 297.0))
        captured = degrade(drawn, PHOTO, seed)
        truth = captured.view.to_capture(places_of(drawn.template)[0])
        found = paper_corners_by_network(captured.gray, Provider.CPU)
        if captured.edge_shows:
            near = found is not None and np.linalg.norm(found - truth, axis=1).max() < 3
            right, total = right + int(near), total + 1
    assert right >= total - 1 > 3  # one has a corner outside the picture


def test_a_page_that_fills_its_picture_has_no_outline():
    assert paper_corners_by_network(np.full((400, 300), 250, dtype=np.uint8), Provider.CPU) is None
