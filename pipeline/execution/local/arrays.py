"""What becomes of a local array as its children end, and of a job that waits for another: pure, in AWS Batch's words.

A child is written down when it first differs from its array. Until then it is what its array makes of it, so that an
array of ten thousand is submitted and cancelled by writing one file.
"""

from collections.abc import Collection
from datetime import datetime

from pipeline.execution.executor import CHILD_FAILED, DEPENDENCY_FAILED, child_handle
from pipeline.execution.local.decisions import job_ended
from pipeline.execution.local.records import JobRecord
from pipeline.lifecycle.job_state import JobState


def untouched_child(array: JobRecord, index: int) -> JobRecord:
    """A child that has neither begun nor been cancelled by itself."""
    is_over = array.is_ended or array.cancel_reason is not None
    living = JobState.RUNNABLE if array.after is None else JobState.PENDING
    return JobRecord(
        handle=child_handle(array.handle, index),
        name=array.name,
        kind=array.kind,
        sequence=array.sequence,
        created_at=array.created_at,
        state=JobState.FAILED if is_over else living,
        status_reason=(array.cancel_reason or array.status_reason) if is_over else "",
        ended_at=array.ended_at,
        index=index,
        share=array.share,
        priority=array.priority,
    )


def is_untouched(child: JobRecord) -> bool:
    """Whether nothing of this living child needs to be written down."""
    return not child.attempts and not child.is_ended


def array_settled(array: JobRecord, children: Collection[JobRecord], *, now: datetime) -> JobRecord:
    """The array, ended if all its children have."""
    if array.is_ended or not all(child.is_ended for child in children):
        return array
    if array.cancel_reason is not None:
        return job_ended(array, JobState.FAILED, array.cancel_reason, now=now)
    if any(child.state is JobState.FAILED for child in children):
        return job_ended(array, JobState.FAILED, CHILD_FAILED, now=now)
    return job_ended(array, JobState.SUCCEEDED, "", now=now)


def waiting_settled(job: JobRecord, dependency: JobRecord | None, *, now: datetime) -> JobRecord:
    """A job that waits, moved on if what it waits for has ended; one that is not known any more has not succeeded."""
    if job.after is None or job.is_ended or job.cancel_reason is not None:
        return job
    if dependency is None or dependency.state is JobState.FAILED:
        return job_ended(job, JobState.FAILED, DEPENDENCY_FAILED, now=now)
    if dependency.state is JobState.SUCCEEDED:
        # An array stays pending while its children run.
        state = JobState.RUNNABLE if job.array_size is None else JobState.PENDING
        return job.model_copy(update={"state": state, "after": None})
    return job
