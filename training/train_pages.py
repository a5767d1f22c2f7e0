"""Train the page network: `python -m training.train_pages --seed 1` writes pages.onnx and its card."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from jobs.omr.networks.fiducial_finder import CornerCandidates, find_corners
from jobs.omr.networks.session import WEIGHTS, Provider, open_network
from training.card import write_card
from training.page_data import pages, target
from training.page_network import PageNetwork
from training.write_pages import write_pages

TRAINING_PAGES, HELD_OUT_PAGES = 1200, 150
EPOCHS, BATCH, RATE = 14, 16, 4e-3
# A point found is right within this many pixels of the page's 256: 3.5 mm on A4.
RIGHT_WITHIN = 3.0

Places = list[tuple[NDArray[np.float64], NDArray[np.float64]]]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, default=WEIGHTS)
    given = asked.parse_args()
    torch.manual_seed(given.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    started = time.monotonic()
    pictures, places = pages(TRAINING_PAGES, given.seed)
    print(f"{TRAINING_PAGES} pages drawn in {time.monotonic() - started:.0f} s", flush=True)
    network = _train(pictures, np.stack([target(each) for each in places]), given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    write_pages(network, given.out / "pages.onnx")
    about = {
        "data": f"{TRAINING_PAGES} drawn and degraded pages; no real sheet",
        "command": f"python -m training.train_pages --seed {given.seed}",
    }
    # The finder opens only weights that have a card.
    write_card(given.out / "pages.onnx", metrics={}, **about)
    metrics = _measured(given.out, given.seed + 1_000_000)
    write_card(given.out / "pages.onnx", metrics=metrics, **about)
    print(metrics, f"{time.monotonic() - started:.0f} s", flush=True)


def _train(pictures: NDArray[np.uint8], targets: NDArray[np.float32], seed: int) -> PageNetwork:
    network = PageNetwork()
    steps = EPOCHS * (len(pictures) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    order = np.random.default_rng(seed)
    for epoch in range(EPOCHS):
        total = 0.0
        shuffled = order.permutation(len(pictures))
        for start in range(0, len(shuffled) - BATCH + 1, BATCH):
            page = torch.from_numpy(pictures[shuffled[start : start + BATCH]])[:, None]
            wanted = torch.from_numpy(targets[shuffled[start : start + BATCH]])
            page, wanted = _turned(page, wanted, int(order.integers(8)))
            loss = _focal(network(page), wanted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / (len(shuffled) // BATCH):.3f}", flush=True)
    return network.eval()


def _turned(page: torch.Tensor, wanted: torch.Tensor, way: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One of the eight ways to lay a square; corners have no names, so that all are as good."""
    page, wanted = (torch.rot90(each, way % 4, (2, 3)) for each in (page, wanted))
    if way >= 4:
        page, wanted = (torch.flip(each, (3,)) for each in (page, wanted))
    return page, wanted


def _focal(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The focal loss of CornerNet (Law and Deng 2018, equation 1; alpha 2, beta 4), per point."""
    likely = torch.sigmoid(logits).clamp(1e-5, 1 - 1e-5)
    is_point = wanted >= 1
    there = -((1 - likely) ** 2) * torch.log(likely)
    elsewhere = -((1 - wanted) ** 4) * likely**2 * torch.log(1 - likely)
    return torch.where(is_point, there, elsewhere).sum() / is_point.sum().clamp(min=1)


def _measured(weights: Path, seed: int) -> dict[str, float]:
    """Of held-out pages: how many true points are found, how many found ones are true, and how far off."""
    open_network("pages", Provider.CPU, weights)
    pictures, places = pages(HELD_OUT_PAGES, seed)
    metrics: dict[str, float] = {}
    found = [find_corners(picture, Provider.CPU, weights) for picture in pictures]
    for channel, name in enumerate(("page", "fiducials")):
        metrics |= _points_right(found, places, channel, name)
    return metrics


def _points_right(found: list[CornerCandidates], places: Places, channel: int, name: str) -> dict[str, float]:
    truths = hits = said = right = 0
    off: list[float] = []
    for each, truth in zip(found, places, strict=True):
        points, wanted = getattr(each, name), truth[channel]
        said, truths = said + len(points), truths + len(wanted)
        if len(points) and len(wanted):
            distance = np.linalg.norm(points[:, None] - wanted[None], axis=2)
            hits += int((distance.min(axis=0) < RIGHT_WITHIN).sum())
            right += int((distance.min(axis=1) < RIGHT_WITHIN).sum())
            off += list(distance.min(axis=0)[distance.min(axis=0) < RIGHT_WITHIN])
    return {
        f"{name}_found": round(hits / max(truths, 1), 4),
        f"{name}_right": round(right / max(said, 1), 4),
        f"{name}_median_error_px_of_256": round(float(np.median(off)), 3) if off else 0.0,
    }


if __name__ == "__main__":
    main()
