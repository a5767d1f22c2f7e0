"""Fifty seeds of a world in which 5 to 25 % of all calls go wrong; `make simulate` runs a thousand, of 200 videos each.

A seed that ends wrong is replayed by `make simulate SEEDS=1 FIRST=<seed> VIDEOS=8`.
"""

import pytest

from tests.simulation.database import SimulatedDatabase
from tests.simulation.seeds import run_seed

VIDEOS = 8
AT_ONCE = 5


@pytest.mark.parametrize("first", range(0, 50, AT_ONCE))
def test_nothing_is_lost_or_published_twice_whatever_fails(database: SimulatedDatabase, first: int):
    for seed in range(first, first + AT_ONCE):
        result = run_seed(database, seed, videos=VIDEOS)
        assert result.wrong == [], f"seed {seed}"


def test_without_a_single_event_the_sweep_finds_everything(database: SimulatedDatabase):
    for seed in (101, 102):
        result = run_seed(database, seed, videos=VIDEOS, drops_events=True)
        assert result.wrong == [], f"seed {seed}"
        assert result.tally["READY"] > 0
        assert result.tally["sqs delete refused"] == 0


def test_a_seed_is_the_same_run_again(database: SimulatedDatabase):
    assert run_seed(database, 7, videos=VIDEOS) == run_seed(database, 7, videos=VIDEOS)
