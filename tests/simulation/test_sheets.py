"""Seeds of a world in which batches of answer sheets are arrays, and 5 to 25 % of all calls go wrong."""

from collections import Counter

from tests.simulation.database import SimulatedDatabase
from tests.simulation.sheet_verdict import judge_sheets
from tests.simulation.sheet_world import SheetWorld
from tests.simulation.world import virtual_time

BATCHES = 6


def test_no_sheet_is_lost_or_of_an_attempt_that_is_not_published(database: SimulatedDatabase):
    tally: Counter[str] = Counter()
    for seed in range(3):
        database.empty()
        world = SheetWorld(database, seed, videos=BATCHES)
        with virtual_time(world):
            world.run()
        assert judge_sheets(world) == [], f"seed {seed}"
        tally += Counter(dict(database.fetch("SELECT status, count(*) FROM omr_batches GROUP BY status")))
        tally["arrays"] += sum(bool(job.children) for job in world.batch.jobs.values())
    assert min(tally["READY"], tally["FAILED"], tally["arrays"]) > 0, tally
