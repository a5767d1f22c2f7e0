import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jobs.omr.form import Form
from pipeline.answer_sheets.template import Shape
from training.degrading.degradation import Degradation, random_degradation
from training.degrading.degrade import degrade
from training.drawing.draw import draw_sheet
from training.drawing.hands import draw_mark, random_hand
from training.drawing.population import EVEN, VARIED, Population
from training.drawing.states import Drawn

ROOT = Path(__file__).parents[2]
DRAWS = """
import hashlib
from training.drawing.draw import draw_sheet
print(hashlib.sha256(draw_sheet(7, page_mm=(105.0, 148.0)).picture.tobytes()).hexdigest())
"""


def test_the_same_seed_draws_the_same_bytes_in_another_process():
    here = hashlib.sha256(draw_sheet(7, page_mm=(105.0, 148.0)).picture.tobytes()).hexdigest()
    there = subprocess.run(
        [sys.executable, "-c", DRAWS], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert there.stdout.strip() == here


def test_another_seed_draws_another_sheet():
    first, second = (draw_sheet(seed, page_mm=(105.0, 148.0)) for seed in (1, 2))
    assert first.template != second.template


def test_every_bubble_of_the_template_has_its_truth():
    for seed in range(4):
        drawn = draw_sheet(seed, page_mm=(105.0, 148.0))
        assert len(drawn.states) == len(Form(template=drawn.template, pictures={}).centres)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_drawn_as_filled_is_darker_than_what_is_blank(seed: int):
    drawn = draw_sheet(seed, page_mm=(148.0, 210.0), shares={Drawn.FILLED: 1.0}, strength=0.6)
    form = Form(template=drawn.template, pictures={})
    x, y = np.rint(form.centres * drawn.px_per_mm).astype(int).T
    reach = int(form.half_sizes.min() * drawn.px_per_mm * 0.5)
    light = np.array(
        [drawn.picture[b - reach : b + reach, a - reach : a + reach].mean() for a, b in zip(x, y, strict=True)]
    )
    for block in {field.block for field in form.fields}:
        here = np.array([field.block == block for field in form.fields])[form.field_of_bubble]
        filled, blank = light[here & (drawn.states == Drawn.FILLED)], light[here & (drawn.states == Drawn.BLANK)]
        if len(filled) and len(blank):
            assert np.median(filled) < np.median(blank) - 25


@pytest.mark.parametrize(("shape", "least", "most"), [(Shape.SQUARE, 0.3, 0.8), (Shape.CIRCLE, 0.0, 0.2)])
def test_boxes_are_often_filled_into_all_four_corners(shape: Shape, least: float, most: float):
    rng, centre, half = np.random.default_rng(5), np.array([40.0, 40.0]), np.array([20.0, 20.0])
    cornered = []
    for _ in range(60):
        hand = replace(random_hand(VARIED, rng), strength=1.0, grain=0.0, care=1.0)
        ink = draw_mark(
            Drawn.FILLED, hand, np.zeros((80, 80), np.uint8), shape=shape, centre=centre, half=half, rng=rng
        )
        corners = [ink[y : y + 5, x : x + 5].mean() for x in (22, 53) for y in (22, 53)]
        cornered.append(min(corners) > 127)
    assert least <= np.mean(cornered) <= most


@pytest.mark.parametrize(("population", "strengths"), [(EVEN, 1), (VARIED, 20)])
def test_a_hand_presses_as_its_population_does(population: Population, strengths: int):
    rng = np.random.default_rng(3)
    hand = replace(random_hand(population, rng), strength=0.5)
    assert len({hand.pressed(rng).strength for _ in range(20)}) == strengths


def test_the_same_seed_degrades_to_the_same_bytes():
    drawn = draw_sheet(3, page_mm=(105.0, 148.0))
    degradation = random_degradation(np.random.default_rng(11))
    first, second = (degrade(drawn, degradation, 5) for _ in range(2))
    assert first.gray.tobytes() == second.gray.tobytes()


def test_a_clean_scan_keeps_what_was_drawn():
    drawn = draw_sheet(3, page_mm=(105.0, 148.0))
    captured = degrade(drawn, Degradation(dpi=drawn.px_per_mm * 25.4, paper=1.0), 5)
    place = np.array([[20.0, 30.0]])
    assert np.allclose(captured.view.to_capture(place) / drawn.px_per_mm, place, atol=2.0)
    assert abs(float(captured.gray.mean()) - float(drawn.picture.mean())) < 3


@pytest.mark.parametrize(
    "degradation",
    [
        Degradation(dpi=150, skew_deg=4),
        Degradation(dpi=150, perspective=0.06),
        Degradation(dpi=150, curvature=0.02, perspective=0.03),
    ],
)
def test_points_of_the_page_are_found_where_the_capture_shows_them(degradation: Degradation):
    drawn = draw_sheet(1, page_mm=(105.0, 148.0), shares={Drawn.FILLED: 1.0})
    spot = np.array([[50.0, 70.0]])
    x, y = np.rint(spot[0] * drawn.px_per_mm).astype(int)
    picture = np.full_like(drawn.picture, 255)
    picture[y - 8 : y + 9, x - 8 : x + 9] = 0
    captured = degrade(type(drawn)(picture, drawn.px_per_mm, drawn.template, drawn.states), degradation, 2)
    inner = captured.gray[200:-200, 150:-150]
    rows, columns = np.nonzero(inner < 100)
    seen = np.array([columns.mean() + 150, rows.mean() + 200])
    assert np.linalg.norm(seen - captured.view.to_capture(spot)[0]) < 1.5
