"""Train the bubble network: `python -m training.train_marks --seed 1` writes marks.onnx and its card."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from jobs.omr.networks.session import WEIGHTS
from training.calibration import best_temperature, expected_error, plot_reliability, reliability, softmax
from training.card import write_card
from training.drawing.states import Drawn
from training.mark_cache import cached_bubbles
from training.mark_data import Bubbles
from training.mark_network import MarkNetwork
from training.write_marks import write_marks

TRAINING_SHEETS, CALIBRATION_SHEETS, TEST_SHEETS = 1400, 150, 150
EPOCHS, BATCH, RATE = 10, 256, 4e-3
# The context is left out this often, so that the pictures alone have to do, too.
WITHOUT_CONTEXT = 0.25
PLOT = Path(__file__).parents[1] / "docs" / "omr-accuracy" / "marks-reliability.png"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, default=WEIGHTS)
    asked.add_argument("--plot", type=Path, default=PLOT)
    asked.add_argument("--cache", type=Path, help="a folder outside the repository that keeps drawn bubbles")
    given = asked.parse_args()
    torch.manual_seed(given.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    started = time.monotonic()
    training, calibration, test = (
        cached_bubbles(sheets, given.seed * 10 + part, given.cache)
        for part, sheets in enumerate((TRAINING_SHEETS, CALIBRATION_SHEETS, TEST_SHEETS))
    )
    print(f"{len(training.states)} bubbles after {time.monotonic() - started:.0f} s", flush=True)
    network = _train(training, given.seed)
    temperature = best_temperature(
        _logits(network, calibration), calibration.states, calibration.weights.astype(np.float64)
    )
    probabilities = softmax(_logits(network, test) / temperature)
    table = reliability(probabilities, test.states, test.weights.astype(np.float64))
    given.out.mkdir(parents=True, exist_ok=True)
    given.plot.parent.mkdir(parents=True, exist_ok=True)
    plot_reliability(table, given.plot, "bubble network, held-out drawn sheets")
    write_marks(network, temperature, given.out / "marks.onnx")
    write_card(
        given.out / "marks.onnx",
        data=f"{len(training.states)} bubbles of {TRAINING_SHEETS} drawn and degraded sheets; no real sheet",
        command=f"python -m training.train_marks --seed {given.seed}",
        metrics={"temperature": round(temperature, 3), **_metrics(probabilities, test, table)},
    )
    print((given.out / "marks.json").read_text(), f"{time.monotonic() - started:.0f} s", flush=True)


def _train(bubbles: Bubbles, seed: int) -> MarkNetwork:
    network = MarkNetwork()
    pixels, own_print, context = _tensors(bubbles)
    states, weights = torch.from_numpy(bubbles.states), torch.from_numpy(bubbles.weights)
    batches = len(states) // BATCH
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=EPOCHS * batches)
    order = np.random.default_rng(seed)
    for epoch in range(EPOCHS):
        shuffled, total = torch.from_numpy(order.permutation(len(states))), 0.0
        for number in range(batches):
            some = shuffled[number * BATCH : (number + 1) * BATCH]
            known = torch.from_numpy(order.random((BATCH, 1)) >= WITHOUT_CONTEXT)
            flipped = _flipped(pixels[some], own_print[some], int(order.integers(4)))
            logits = network(*flipped, context[some] * known)
            each = functional.cross_entropy(logits, states[some], reduction="none")
            loss = (each * weights[some]).sum() / weights[some].sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / batches:.4f}", flush=True)
    return network.eval()


def _flipped(pixels: torch.Tensor, own_print: torch.Tensor, way: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Upside down, mirrored, both or neither: a mark stays what it is, ticks of left hands included."""
    axes = [axis for bit, axis in ((1, 1), (2, 2)) if way & bit]
    return torch.flip(pixels, axes), torch.flip(own_print, axes)


def _tensors(bubbles: Bubbles) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    patches = bubbles.patches
    return torch.from_numpy(patches.pixels), torch.from_numpy(patches.own_print), torch.from_numpy(patches.context)


def _logits(network: MarkNetwork, bubbles: Bubbles) -> NDArray[np.float64]:
    tensors = _tensors(bubbles)
    with torch.no_grad():
        parts = [network(*(tensor[k : k + 1024] for tensor in tensors)) for k in range(0, len(bubbles.states), 1024)]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)


def _metrics(probabilities: NDArray[np.float64], test: Bubbles, table: NDArray[np.float64]) -> dict[str, float]:
    """Per state the share that is recognised, then what matters most: blanks and fills taken for each other."""
    said, states = probabilities.argmax(axis=1), test.states
    recognised = {f"recognised_{state.name.lower()}": float((said[states == state] == state).mean()) for state in Drawn}
    blank, filled = states == Drawn.BLANK, states == Drawn.FILLED
    return {name: round(value, 5) for name, value in recognised.items()} | {
        "blank_read_as_filled": round(float((said[blank] == Drawn.FILLED).mean()), 6),
        "filled_read_as_blank": round(float((said[filled] == Drawn.BLANK).mean()), 6),
        "expected_calibration_error": round(expected_error(table), 5),
        "test_bubbles": len(states),
    }


if __name__ == "__main__":
    main()
