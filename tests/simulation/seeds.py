"""Run seeds, each from an empty database to its verdict; what worker processes run is here, where they can find it."""

import traceback
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.queues import Queue

from pipeline.logs import configure_logs
from tests.simulation.arrays import whole_jobs
from tests.simulation.database import Endless, SimulatedDatabase, open_database
from tests.simulation.verdict import judge
from tests.simulation.world import World, virtual_time


@dataclass(frozen=True)
class Result:
    """`wrong` is empty where all is well; `tally` counts what became of videos and which faults struck.

    Runs that end with the same `fingerprint` have drawn the same numbers to the last.
    """

    seed: int
    wrong: list[str]
    fingerprint: int
    tally: Counter[str] = field(default_factory=Counter)


def run_seed(database: SimulatedDatabase, seed: int, *, videos: int, drops_events: bool = False) -> Result:
    database.empty()
    world = World(database, seed, videos=videos, drops_events=drops_events)
    with virtual_time(world):
        world.run()
    tally = world.faults.counts + Counter(dict(database.fetch("SELECT status, count(*) FROM videos GROUP BY status")))
    names = Counter(job.name for job in whole_jobs(world.batch.jobs))
    tally["faults"] = world.faults.counts.total()
    tally["arrays"] = sum(bool(job.children) for job in world.batch.jobs.values())
    tally["extra Batch jobs"] = sum(names.values()) - len(names)
    return Result(seed, judge(world), world.faults.random.getrandbits(64), tally)


_database_url: str | None = None


def take_database(free: "Queue[str]") -> None:
    """Once a process: a database that no other one uses."""
    global _database_url  # noqa: PLW0603 - what a process pool's initializer is for
    _database_url = free.get()
    configure_logs("critical")


def run_batch(seeds: range, videos: int) -> list[Result]:
    assert _database_url is not None
    with open_database(_database_url) as database:
        return [_run_whole(database, seed, videos=videos) for seed in seeds]


def _run_whole(database: SimulatedDatabase, seed: int, *, videos: int) -> Result:
    """What breaks over one seed is that seed's verdict: the others have still to come to theirs."""
    try:
        return run_seed(database, seed, videos=videos)
    except (Exception, Endless):  # noqa: BLE001
        database.reset()
        return Result(seed, [traceback.format_exc()], fingerprint=0)
