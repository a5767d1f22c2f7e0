"""What must be true of jobs whose parts an array has made, in a world that has come to rest."""

from collections.abc import Iterator
from math import inf

from pipeline.execution.executor import CHILD_FAILED, DEPENDENCY_FAILED
from tests.simulation.arrays import BatchJob
from tests.simulation.batch import REMEMBERS_S
from tests.simulation.workers import SOURCE_IS_BAD
from tests.simulation.world import World


def judge_arrays(world: World) -> list[str]:
    """What is wrong, a line each."""
    return [
        *_waits(world),
        *_succeeded(world),
        *_failed(world),
        *_parts_in_vain(world),
    ]


def _waits(world: World) -> Iterator[str]:
    """The join job waits for the array that the row names, unless Batch had forgotten that before the join came."""
    rows = world.database.fetch(
        "SELECT id, handle, array_handle FROM jobs WHERE parts IS NOT NULL AND handle IS NOT NULL ORDER BY id"
    )
    for job_id, handle, array_handle in rows:
        join, array = world.batch.jobs[handle], world.batch.jobs.get(array_handle or "")
        created_s = join.created_ms / 1000 - world.begun_s
        if array is None or join.waits_for is not (None if _is_forgotten(array, created_s) else array):
            said = join.waits_for.id if join.waits_for is not None else None
            yield f"does not wait: {handle} of job {job_id} waits for {said}, not for {array_handle}"


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


def _parts_in_vain(world: World) -> Iterator[str]:
    """No job fails for want of parts that had all been stored, whoever heard of it."""
    rows = world.database.fetch(
        "SELECT id, tenant_id, asset_id, parts, EXTRACT(EPOCH FROM ended_at) FROM jobs"
        " WHERE state = 'failed' AND reason = 'OUTCOME_MISSING' AND parts IS NOT NULL ORDER BY id"
    )
    for job_id, tenant_id, asset_id, parts, ended_at in rows:
        if str(job_id) in world.store.incomplete:
            continue
        stored = {
            key.partition(f"/hls/{job_id}-p")[2].partition("-")[0]
            for key, at_s in world.store.first_put_at_s.items()
            if key.startswith(f"tenants/{tenant_id}/videos/{asset_id}/hls/{job_id}-p")
            and key.endswith("/outcome.json")
            and at_s < float(ended_at) - world.begun_s
        }
        if len(stored) == parts:
            yield f"lost: job {job_id} failed for want of parts, and all {parts} were stored"


def _has_failed(job: BatchJob | None, by_s: float) -> bool:
    """By itself: nobody has ended it."""
    return job is not None and job.status == "FAILED" and job.terminated is None and (job.ended_at_s or inf) <= by_s


def _is_forgotten(job: BatchJob, by_s: float) -> bool:
    return job.ended_at_s is not None and job.ended_at_s + REMEMBERS_S < by_s
