"""What is so now, read from the rows: how many jobs there are, how long they wait, and which have been forgotten.

Each process of the API tells the same, so that a maximum over them is right and a sum is not.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from threading import Event

from control_plane.services import Services
from pipeline.contracts.envelope import JobKind
from pipeline.database.job_counts import Limits, LiveJobs, count_live_jobs, count_untold_cancels
from pipeline.execution.catalog import CATALOG
from pipeline.lifecycle.job_state import LIVE, JobState
from pipeline.metrics.catalog import JOBS, OLDEST_WAITING, SILENT_JOBS
from pipeline.metrics.metric import Measurement

NAME = "gauges"
EVERY_S = 60.0

# Loops and executor answer within seconds; this is an outage.
PROMPTLY_S = 900.0
# Images are some 2 GB, and a machine with a GPU takes minutes to boot.
BOOT_S = 1800.0
# The queues give up on capacity after 12 h (`cdk.queues`).
CAPACITY_S = 13 * 3600.0
# It waits for other jobs, which may all have to wait for capacity and then work.
DEPENDS_S = 24 * 3600.0

SILENT_AFTER: Limits = {
    (kind, state): {
        JobState.SUBMITTED: PROMPTLY_S,
        JobState.PENDING: DEPENDS_S,
        JobState.RUNNABLE: CAPACITY_S,
        JobState.STARTING: BOOT_S,
        # The executor ends an attempt that works for longer.
        JobState.RUNNING: profile.timeout_s + PROMPTLY_S,
    }[state]
    for (kind, profile), state in product(CATALOG.items(), LIVE)
}


def look(services: Services, _stopping: Event) -> None:
    with services.pool.connection() as connection:
        live = count_live_jobs(connection, SILENT_AFTER)
        untold = count_untold_cancels(connection, older_than_s=PROMPTLY_S)
    services.meter.record(gauges_of(live, untold=untold))


def gauges_of(live: Sequence[LiveJobs], *, untold: int) -> Iterator[Measurement]:
    """Of each kind and state, those that no job is in too: a gauge that is not told keeps its last value."""
    jobs = {(row.kind, row.state): row.jobs for row in live}
    for kind, state in product(JobKind, LIVE):
        yield JOBS.of(jobs.get((kind, state), 0), kind=kind, state=state)
    for kind in JobKind:
        yield OLDEST_WAITING.of(max((row.waited_s for row in live if row.kind == kind), default=0.0), kind=kind)
    yield SILENT_JOBS.of(sum(row.silent for row in live) + untold)
