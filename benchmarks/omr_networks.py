"""How fast the two networks are: `python -m benchmarks.omr_networks [--provider CUDAExecutionProvider]`."""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from jobs.omr.marks.patches import CONTEXT, PATCH_SIDE, PatchBatch
from jobs.omr.networks.fiducial_finder import find_corners
from jobs.omr.networks.mark_engine import NetworkMarkEngine
from jobs.omr.networks.session import Provider

RUNS = 15


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--provider", type=Provider, choices=list(Provider), default=Provider.AUTO)
    given = asked.parse_args()
    engine = NetworkMarkEngine(given.provider)
    print(f"provider: {engine.provider}")
    rng = np.random.default_rng(1)
    for count in (400, 24_000):
        pixels = rng.integers(0, 256, (2, count, PATCH_SIDE, PATCH_SIDE), dtype=np.uint8)
        batch = PatchBatch(pixels[0], pixels[1], rng.random((count, len(CONTEXT)), dtype=np.float32))
        print(f"{count} bubbles: {timed(partial(engine.judge, batch))}")
    page = rng.integers(0, 256, (1754, 1240), dtype=np.uint8)
    print(f"corners and fiducials of a page of 1240 x 1754: {timed(partial(find_corners, page, given.provider))}")


def timed(work: Callable[[], object]) -> str:
    """Least wall time and median CPU time, which other work on the machine disturbs less, after one run to warm up."""
    work()
    wall, cpu = [], []
    for _ in range(RUNS):
        started, used = time.perf_counter(), time.process_time()
        work()
        wall.append((time.perf_counter() - started) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    return f"at best {min(wall):.2f} ms, CPU {np.median(cpu):.2f} ms"


if __name__ == "__main__":
    main()
