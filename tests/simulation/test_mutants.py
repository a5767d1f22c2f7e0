"""What the simulation is worth: a rule that is taken away from the control plane is missed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.database.videos import find_video
from pipeline.execution.aws_batch import BatchExecutor
from pipeline.lifecycle.job_state import FINAL
from pipeline.lifecycle.reconcile import JobView, Refuse
from tests.simulation.database import SimulatedDatabase
from tests.simulation.seeds import run_seed

VIDEOS = 15
# Two live jobs need a second click between two statements of one transaction, in seed 15 for the first time.
SEEDS = 60
ONE_LIVE_JOB = "jobs_one_live_per_shard"


def _of_a_live_job(job: JobView, _handle: str, _attempt: int) -> Refuse | None:
    return Refuse("job_has_ended") if job.place.state in FINAL else None


_submit = BatchExecutor.submit

MUTANTS: dict[str, tuple[dict[str, Callable[..., Any]], str]] = {
    "the fence of attempts": ({"pipeline.lifecycle.reconcile._fenced": _of_a_live_job}, "stale publish"),
    "the look before a submit": (
        {"pipeline.execution.aws_batch.BatchExecutor.find": lambda *_: None},
        "submitted again although it was listed",
    ),
    "the commit before a message is deleted": (
        {"control_plane.events.consumer._take": lambda *_: True},
        "message deleted before its commit",
    ),
    "the cancel that Batch is told of": (
        {"pipeline.execution.aws_batch.BatchExecutor.cancel": lambda *_: None},
        "after it was told to end",
    ),
    "the array that a join waits for": (
        {
            "pipeline.execution.aws_batch.BatchExecutor.submit": lambda self, one: _submit(
                self, replace(one, after=None)
            )
        },
        "does not wait",
    ),
}


@pytest.mark.parametrize("rule", MUTANTS)
def test_a_rule_that_is_taken_away_is_missed(database: SimulatedDatabase, rule: str):
    replaced, said = MUTANTS[rule]
    assert _is_missed(database, replaced, said=said)


def test_two_live_jobs_of_a_video_are_found_where_neither_its_row_nor_the_index_prevents_them(
    database: SimulatedDatabase,
):
    ((index,),) = database.fetch("SELECT indexdef FROM pg_indexes WHERE indexname = %s", ONE_LIVE_JOB)
    unheld = {f"control_plane.videos.{module}.lock_video": find_video for module in ("retry", "asset")}
    try:
        database.committed.execute(f"DROP INDEX {ONE_LIVE_JOB}".encode())
        assert _is_missed(database, unheld, said="two live jobs at once")
    finally:
        database.empty()
        database.committed.execute(str(index).encode())


def _is_missed(database: SimulatedDatabase, replaced: dict[str, Callable[..., Any]], *, said: str) -> bool:
    """Whether a seed ends wrong in these words."""
    for seed in range(SEEDS):
        patches = [patch(name, new) for name, new in replaced.items()]
        for each in patches:
            each.start()
        try:
            wrong = run_seed(database, seed, videos=VIDEOS).wrong
        finally:
            for each in patches:
                each.stop()
        if any(said in line for line in wrong):
            return True
    return False
