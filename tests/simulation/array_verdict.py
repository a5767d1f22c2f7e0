"""What must be true of jobs whose parts an array has made, in a world that has come to rest."""

from collections.abc import Iterator
from math import inf

from pipeline.execution.executor import CHILD_FAILED, DEPENDENCY_FAILED
from tests.simulation.arrays import BatchJob
from tests.simulation.batch import REMEMBERS_S
from tests.simulation.workers import SOURCE_IS_BAD
from tests.simulation.world import World

# Between a look at a job, its termination, and the end of what waits for it.
TELLING_S = 10.0


def judge_arrays(world: World) -> list[str]:
    """What is wrong, a line each."""
    return [
        *(f"told to fetch what is not there: {line}" for line in world.store.misread),
        *_succeeded(world),
        *_failed(world),
        *_goes_on(world),
        *_left_over(world),
    ]


def _succeeded(world: World) -> Iterator[str]:
    """A joined video has its parts of the array that the row names, and all of that array has succeeded."""
    rows = world.database.fetch(
        "SELECT id, parts, array_handle, (SELECT count(DISTINCT part) FROM job_parts p"
        " WHERE p.job_id = j.id AND p.ending = 'succeeded') FROM jobs j"
        " WHERE state = 'succeeded' AND parts IS NOT NULL ORDER BY id"
    )
    for job_id, parts, array_handle, made in rows:
        array = world.batch.jobs.get(array_handle)
        if array is None or array.status != "SUCCEEDED" or made != parts:
            said = array.status if array is not None else None
            yield f"partial READY: job {job_id} with {made} of {parts} parts, and Batch says {said} of {array_handle}"


def _failed(world: World) -> Iterator[str]:
    """A job of parts fails with the reason of a part, or of the join job once that has begun."""
    rows = world.database.fetch(
        "SELECT id, handle, array_handle, reason, detail, EXTRACT(EPOCH FROM ended_at) FROM jobs"
        " WHERE state = 'failed' AND reason <> 'CANCELLED' AND parts IS NOT NULL ORDER BY id"
    )
    for job_id, handle, array_handle, reason, detail, ended_at in rows:
        if str(job_id) in world.store.incomplete:
            continue
        failed = f"lost: job {job_id} failed with {reason} ({detail})"
        ended_at_s = float(ended_at) - world.begun_s
        array, join = world.batch.jobs.get(array_handle or ""), world.batch.jobs.get(handle or "")
        if array is None:
            yield f"{failed} without an array"
        elif DEPENDENCY_FAILED in detail or CHILD_FAILED in detail:
            yield f"{failed}, which says nothing"
        elif reason == SOURCE_IS_BAD or _has_failed(join, ended_at_s) or _is_forgotten(array, ended_at_s):
            continue
        elif not any(_has_failed(child, ended_at_s) for child in array.children):
            yield f"{failed}, and Batch says {[child.status for child in array.children]} of its parts"


def _goes_on(world: World) -> Iterator[str]:
    """Array and join job end when Batch was told to, unless it did not know them yet."""
    rows = world.database.fetch(
        "SELECT id, array_handle, handle, EXTRACT(EPOCH FROM terminated_at) FROM jobs"
        " WHERE state = 'failed' AND parts IS NOT NULL ORDER BY id"
    )
    for job_id, array_handle, handle, terminated_at in rows:
        if terminated_at is None:
            yield f"not told to end: job {job_id}"
            continue
        told_s = float(terminated_at) - world.begun_s
        for known in (array_handle, handle):
            batch_job = world.batch.jobs.get(known or "")
            if batch_job is None or batch_job.described_at_s > told_s - TELLING_S:
                continue
            if (batch_job.ended_at_s or inf) > told_s + TELLING_S:
                yield f"goes on: {known} of job {job_id} after it was told to end"


def _has_failed(job: BatchJob | None, by_s: float) -> bool:
    """By itself: nobody has ended it."""
    return job is not None and job.status == "FAILED" and job.terminated is None and (job.ended_at_s or inf) <= by_s


def _is_forgotten(job: BatchJob, by_s: float) -> bool:
    return job.ended_at_s is not None and job.ended_at_s + REMEMBERS_S < by_s


def _left_over(world: World) -> Iterator[str]:
    """What parts have stored is deleted after their job; what somebody wrote later still is not looked for."""
    rows = world.database.fetch(
        "SELECT p.tenant_id, j.asset_id, p.job_id, p.part, p.attempt, EXTRACT(EPOCH FROM p.outputs_deleted_at)"
        " FROM job_parts p JOIN jobs j ON j.id = p.job_id ORDER BY p.job_id, p.part, p.attempt"
    )
    for tenant_id, asset_id, job_id, part, attempt, deleted_at in rows:
        if deleted_at is None:
            yield f"left over: attempt {attempt} at part {part} of job {job_id}"
            continue
        prefix = f"tenants/{tenant_id}/videos/{asset_id}/hls/{job_id}-p{part}-{attempt}/"
        for key, stored in world.store.objects.items():
            if key.startswith(prefix) and stored.put_at_s < float(deleted_at) - world.begun_s:
                yield f"left over: {key}"
