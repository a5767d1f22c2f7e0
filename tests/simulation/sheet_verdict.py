"""What must be true of a world of answer sheets that has come to rest."""

from collections.abc import Iterator

from tests.simulation.verdict import TOLD_FOR_GOOD, judge_jobs
from tests.simulation.world import World


def judge_sheets(world: World) -> list[str]:
    """What is wrong, a line each."""
    return [
        *judge_jobs(world),
        *_lost(world),
        *_stands(world),
        *_published(world),
        *_finished_in_vain(world),
        *_submitted_apart(world),
    ]


def _lost(world: World) -> Iterator[str]:
    """Every acknowledged batch has ended as its shards have, and each of these has a result or a reason."""
    rows = world.database.fetch(
        "SELECT b.id, b.status, b.error_reason, bool_and(s.published_job_id IS NOT NULL),"
        " bool_or(s.published_job_id IS NULL AND s.error_reason IS NULL)"
        " FROM omr_batches b LEFT JOIN omr_shards s ON s.batch_id = b.id WHERE b.status <> 'PENDING' GROUP BY b.id"
    )
    known = {row[0] for row in rows}
    for batch_id in world.records.acknowledged - known:
        yield f"lost: batch {batch_id} was acknowledged and is PENDING or gone"
    for batch_id, status, reason, is_whole, is_open in rows:
        expected = ("READY", False) if is_whole else ("FAILED", True)
        if is_open or (status, reason is not None) != expected:
            yield f"lost: batch {batch_id} is {status} with {reason}; all read: {is_whole}, some open: {is_open}"


def _stands(world: World) -> Iterator[str]:
    """Each file of a shard that was read is one sheet, of the attempt that is published, and no other file is one."""
    rows = world.database.fetch(
        "SELECT f.batch_id, f.name, s.published_attempt, j.handle, j.id,"
        " array(SELECT meta -> 'ai_result' ->> 'page_id' FROM submissions r"
        " WHERE r.batch_id = f.batch_id AND r.file_number = f.number)"
        " FROM omr_files f JOIN omr_shards s ON s.batch_id = f.batch_id AND s.shard = f.shard"
        " LEFT JOIN jobs j ON j.id = s.published_job_id"
    )
    for batch_id, name, attempt, handle, job_id, said in rows:
        expected = [f"{handle} {attempt}"] if job_id is not None else []
        if said != expected:
            yield f"stale publish: {name} of batch {batch_id} was read by {said}, not by {expected}"


def _published(world: World) -> Iterator[str]:
    """A shard's result is that of a job which succeeded, was not cancelled, and had stored all of it."""
    rows = world.database.fetch(
        "SELECT s.batch_id, s.tenant_id, j.id, j.state, j.attempt, s.published_attempt, j.shard = s.shard"
        " FROM omr_shards s JOIN jobs j ON j.id = s.published_job_id"
    )
    for batch_id, tenant_id, job_id, state, newest, attempt, is_own in rows:
        if (state, newest, is_own) != ("succeeded", attempt, True) or job_id in world.records.cancelled:
            yield f"stale publish: job {job_id} is {state} at {newest}, and its batch shows {attempt}"
        prefix = f"tenants/{tenant_id}/omr/batches/{batch_id}/readings/{job_id}-{attempt}/"
        if prefix + "outcome.json" not in world.store.objects:
            yield f"partial READY: {prefix}outcome.json is not there"
    for (job_id,) in world.database.fetch(
        "SELECT id FROM jobs j WHERE state = 'succeeded' AND NOT EXISTS (SELECT FROM jobs later"
        " WHERE later.asset_id = j.asset_id AND later.shard = j.shard AND later.state = 'succeeded'"
        " AND later.ended_at > j.ended_at)"
        " AND NOT EXISTS (SELECT FROM omr_shards s WHERE s.published_job_id = j.id)"
    ):
        yield f"lost: job {job_id} succeeded and published nothing"


def _finished_in_vain(world: World) -> Iterator[str]:
    """No job fails for want of an outcome that one of its attempts had stored before Batch ended it."""
    rows = world.database.fetch(
        "SELECT id, handle, tenant_id, asset_id, reason FROM jobs"
        " WHERE state = 'failed' AND reason <> 'CANCELLED' ORDER BY id"
    )
    for job_id, handle, tenant_id, asset_id, reason in rows:
        batch_job = world.batch.jobs.get(handle or "")
        if batch_job is None or batch_job.ended_at_s is None or reason in TOLD_FOR_GOOD:
            continue
        for attempt in range(1, batch_job.attempt + 1):
            key = f"tenants/{tenant_id}/omr/batches/{asset_id}/readings/{job_id}-{attempt}/outcome.json"
            if world.store.first_put_at_s.get(key, batch_job.ended_at_s) < batch_job.ended_at_s:
                yield f"lost: job {job_id} failed with {reason}, and attempt {attempt} had finished"


def _submitted_apart(world: World) -> Iterator[str]:
    """What was inserted together was submitted together: each child under its own index, of as many as there are."""
    rows = world.database.fetch(
        "SELECT j.id, j.handle, j.array_index, (SELECT count(*) FROM jobs s WHERE s.array_id = j.array_id)"
        " FROM jobs j WHERE j.handle IS NOT NULL"
    )
    for job_id, handle, index, size in rows:
        batch_job = world.batch.jobs.get(handle)
        if batch_job is None:
            yield f"submitted apart: job {job_id} has the handle {handle}, which Batch never gave"
        elif batch_job.index != index or (index is not None and len(getattr(batch_job.array, "children", ())) != size):
            yield f"submitted apart: job {job_id} is child {index} of {size}, and Batch has it as {handle}"
