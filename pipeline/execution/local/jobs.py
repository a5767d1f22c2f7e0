"""All jobs of the local executor, in memory as they are on disk. Whoever calls holds the executor's lock."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain

from pipeline.contracts.envelope import JobKind
from pipeline.execution.executor import Submission, child_handle, parent_of
from pipeline.execution.local.arrays import array_settled, is_untouched, untouched_child, waiting_settled
from pipeline.execution.local.decisions import to_forget
from pipeline.execution.local.records import JobRecord
from pipeline.execution.local.state import StateFolder
from pipeline.execution.local.submissions import handle_of
from pipeline.lifecycle.job_state import JobState
from pipeline.logs import get_logger

log = get_logger(__name__)


class LocalJobs:
    """What changes is written first. Every method that changes something raises `OSError` where it cannot be written.

    Jobs of a kind that is not in `kinds`, which another version has left, are passed over.
    """

    def __init__(self, state: StateFolder, *, kinds: Collection[JobKind]) -> None:
        self._state = state
        self._jobs: dict[str, JobRecord] = {}
        self._children: dict[str, dict[str, JobRecord]] = {}
        for job, children in state.load_all():
            if job.kind not in kinds:
                log.error("local_job_of_unknown_kind", handle=job.handle, kind=job.kind)
                continue
            self._take(job, {child.handle: child for child in children})
            if job.is_ended:
                state.forget_environment(job.handle)
        self._prune()

    def __contains__(self, handle: str) -> bool:
        return self.find(handle) is not None

    def __getitem__(self, handle: str) -> JobRecord:
        job = self.find(handle)
        if job is None:
            raise KeyError(handle)
        return job

    def find(self, handle: str) -> JobRecord | None:
        parent = parent_of(handle)
        return self._jobs.get(handle) if parent is None else self._children.get(parent, {}).get(handle)

    def children(self, handle: str) -> Collection[JobRecord]:
        """Of an array, by index; none of any other job."""
        return self._children.get(handle, {}).values()

    def in_order(self) -> Iterator[JobRecord]:
        """What can have attempts, in the order of submission: jobs, and the children of arrays, by index."""
        for job in sorted(self._jobs.values(), key=lambda job: job.sequence):
            if job.array_size is None:
                yield job
            elif not job.is_ended:
                yield from self._children[job.handle].values()

    def cancelled(self) -> list[JobRecord]:
        """What has been told to end and has not ended, arrays before their children."""
        everything = chain(self._jobs.values(), *(children.values() for children in self._children.values()))
        return [job for job in everything if job.cancel_reason is not None and not job.is_ended]

    def insert(self, submission: Submission) -> JobRecord:
        waits = submission.after is not None or submission.array_size is not None
        job = JobRecord(
            handle=handle_of(submission.name),
            name=submission.name,
            kind=submission.kind,
            sequence=max((job.sequence for job in self._jobs.values()), default=0) + 1,
            created_at=datetime.now(UTC),
            state=JobState.PENDING if waits else JobState.RUNNABLE,
            array_size=submission.array_size,
            after=submission.after,
            share=submission.share,
            priority=submission.priority or 0,
        )
        self._state.insert(job, submission.environment)
        self._take(job, {})
        return job

    def save(self, job: JobRecord) -> None:
        self._state.save(job)
        parent = parent_of(job.handle)
        if parent is None:
            self._take(job, self._children.get(job.handle, {}))
        else:
            self._children[parent][job.handle] = job
        if job.is_ended and parent is None:
            self._state.forget_environment(job.handle)
            self._prune()

    def settle(self) -> None:
        """Move on arrays whose children have ended, and jobs that wait for what has ended."""
        now = datetime.now(UTC)
        moved = True
        # What has ended may be what another one waits for.
        while moved:
            moved = False
            for job in [job for job in self._jobs.values() if job.state is JobState.PENDING]:
                dependency = None if job.after is None else self.find(job.after)
                after = waiting_settled(job, dependency, now=now)
                if after.array_size is not None:
                    after = array_settled(after, self.children(job.handle), now=now)
                if after != job:
                    self.save(after)
                    moved = True

    def _take(self, job: JobRecord, children: Mapping[str, JobRecord]) -> None:
        """Into memory; of an array's children those that are touched stay as they are."""
        self._jobs[job.handle] = job
        if job.array_size is None:
            return
        taken: dict[str, JobRecord] = {}
        for index in range(job.array_size):
            child = children.get(child_handle(job.handle, index))
            if child is None or is_untouched(child):
                child = untouched_child(job, index)
            taken[child.handle] = child
        self._children[job.handle] = taken

    def _prune(self) -> None:
        awaited = {job.after for job in self._jobs.values() if not job.is_ended}
        awaited |= {parent_of(handle) for handle in awaited if handle is not None}
        for handle in to_forget(self._jobs.values(), now=datetime.now(UTC)):
            # Without its end, what waits for it would fail.
            if handle not in awaited:
                self._state.remove_job(handle)
                del self._jobs[handle]
                self._children.pop(handle, None)
