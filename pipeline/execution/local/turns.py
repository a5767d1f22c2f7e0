"""In which order waiting jobs start on this machine: tenants take turns, as AWS Batch's fair-share queues have it."""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import UTC, datetime

from pipeline.execution.local.records import JobRecord
from pipeline.lifecycle.job_state import JobState

_NEVER = datetime.min.replace(tzinfo=UTC)


def in_turn(jobs: Iterable[JobRecord], *, ready: frozenset[str]) -> list[JobRecord]:
    """Of all jobs, in the order of submission, those with a handle in `ready`, in the order in which they are to start.

    The next one is of the share that has the fewest running; of several, of the one whose last start is longest ago.
    Within a share a higher priority comes first, then whoever was submitted first.
    """
    running: Counter[str] = Counter()
    started: dict[str, datetime] = {}
    waiting: dict[str, list[JobRecord]] = {}
    for job in jobs:
        running[job.share] += job.state is JobState.RUNNING
        if job.attempts:
            started[job.share] = max(started.get(job.share, _NEVER), job.attempts[-1].started_at)
        if job.handle in ready:
            waiting.setdefault(job.share, []).append(job)
    queues = {share: deque(sorted(queue, key=lambda job: -job.priority)) for share, queue in waiting.items()}
    order: list[JobRecord] = []
    while queues:
        share = min(queues, key=lambda share: (running[share], started.get(share, _NEVER), queues[share][0].sequence))
        order.append(queues[share].popleft())
        running[share] += 1
        if not queues[share]:
            del queues[share]
    return order
