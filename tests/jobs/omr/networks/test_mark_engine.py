import numpy as np
import pytest

from jobs.omr.form import Form
from jobs.omr.marks.engine import State
from jobs.omr.marks.measuring import patches_of
from jobs.omr.marks.patches import PatchBatch, joined
from jobs.omr.networks.mark_engine import OUTPUTS, NetworkMarkEngine
from jobs.omr.networks.session import Provider
from training.degrading.degradation import Degradation
from training.degrading.degrade import degrade
from training.drawing.draw import draw_sheet
from training.drawing.states import Drawn
from training.registering import registered_by_truth

# Seeds that no training run uses; a good office scan.
SEEDS = range(9_000, 9_005)
SCAN = Degradation(dpi=150, blur_mm=0.06, noise=0.01, skew_deg=0.5, jpeg_quality=85)


@pytest.fixture(scope="module")
def engine() -> NetworkMarkEngine:
    return NetworkMarkEngine(Provider.CPU)


def drawn_patches(seed: int, shares: dict[Drawn, float]) -> tuple[PatchBatch, np.ndarray]:
    drawn = draw_sheet(seed, page_mm=(148.0, 210.0), shares=shares)
    captured = degrade(drawn, SCAN, seed)
    registered = registered_by_truth(captured, drawn.template, np.random.default_rng(seed), wrong_by=0.5)
    return patches_of(registered, Form(template=drawn.template, pictures={})), drawn.states


def test_outputs_are_in_the_order_in_which_they_were_learnt():
    assert [state.name.lower() for state in Drawn] == list(OUTPUTS)


def test_filled_and_blank_bubbles_of_clean_scans_are_told_apart(engine: NetworkMarkEngine):
    patches, states = zip(*(drawn_patches(seed, {Drawn.FILLED: 1.0}) for seed in SEEDS), strict=True)
    truth = np.concatenate(states)
    said = engine.judge(joined(patches)).probabilities.argmax(axis=1)
    assert (said[truth == Drawn.BLANK] == State.BLANK).mean() > 0.99
    assert (said[truth == Drawn.FILLED] == State.FILLED).mean() > 0.97


def test_crosses_and_ticks_stand_and_are_hinted_at(engine: NetworkMarkEngine):
    patches, states = zip(*(drawn_patches(seed, {Drawn.CROSS: 0.5, Drawn.TICK: 0.5}) for seed in SEEDS), strict=True)
    truth, judged = np.concatenate(states), engine.judge(joined(patches))
    is_cross, is_tick = truth == Drawn.CROSS, truth == Drawn.TICK
    assert judged.cross[is_cross].mean() > judged.cross[is_tick].mean() + 0.4
    assert judged.tick[is_tick].mean() > judged.tick[is_cross].mean() + 0.4


def test_each_row_is_a_distribution_whatever_the_batch(engine: NetworkMarkEngine):
    patches, _ = drawn_patches(SEEDS[0], {Drawn.FILLED: 1.0})
    many = joined([patches] * (1 + 1100 // len(patches)))
    judged = engine.judge(many)
    assert len(judged) == len(many)
    assert np.allclose(judged.probabilities.sum(axis=1), 1, atol=1e-5)
    alone = engine.judge(patches)
    assert np.allclose(judged.probabilities[-len(patches) :], alone.probabilities, atol=1e-5)


def test_no_bubbles_are_no_states(engine: NetworkMarkEngine):
    patches, _ = drawn_patches(SEEDS[0], {Drawn.FILLED: 1.0})
    none = PatchBatch(patches.pixels[:0], patches.own_print[:0], patches.context[:0])
    assert len(engine.judge(none)) == 0
