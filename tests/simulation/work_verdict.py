"""Who may still be at work in a world that has come to rest, and until when the others were."""

from collections.abc import Iterator
from math import inf
from uuid import UUID

from tests.simulation.arrays import BatchJob, whole_jobs
from tests.simulation.world import World

# Between a look at a job, its termination, and the end of what waits for it.
TELLING_S = 10.0


def judge_work(world: World) -> list[str]:
    """What is wrong, a line each, whatever the jobs work on."""
    return [
        *_still_there(world),
        *_cancelled_in_vain(world),
        *_promised(world),
        *_begun_late(world),
        *_goes_on(world),
        *_at_once(world),
    ]


def _still_there(world: World) -> Iterator[str]:
    for batch_job in world.batch.jobs.values():
        if batch_job.ended_at_s is None:
            yield f"still there: {batch_job.id} of job {batch_job.name} is {batch_job.status}"


def _cancelled_in_vain(world: World) -> Iterator[str]:
    """A job whose cancel was acknowledged has failed of that."""
    rows = world.database.fetch("SELECT id FROM jobs WHERE state = 'failed' AND reason = 'CANCELLED'")
    for job_id in world.records.cancelled - {row[0] for row in rows}:
        yield f"cancelled in vain: job {job_id}"


def _promised(world: World) -> Iterator[str]:
    """A retry or a resubmit that was acknowledged has made a job."""
    for job_id in world.records.promised - {row[0] for row in world.database.fetch("SELECT id FROM jobs")}:
        yield f"lost: job {job_id} was acknowledged and is not there"


def _begun_late(world: World) -> Iterator[str]:
    """Nothing is submitted for a row that has ended."""
    rows = world.database.fetch(
        "SELECT COALESCE(array_id, id)::text, max(EXTRACT(EPOCH FROM ended_at)) FROM jobs"
        " GROUP BY 1 HAVING bool_and(ended_at IS NOT NULL)"
    )
    ended_ms = {job_id: 1000 * float(ended_at) for job_id, ended_at in rows}
    for batch_job in whole_jobs(world.batch.jobs):
        if batch_job.created_ms > ended_ms.get(batch_job.job_id, inf) + 1:
            yield f"begun late: {batch_job.id} was submitted after job {batch_job.job_id} had ended"


def _goes_on(world: World) -> Iterator[str]:
    """What Batch was told to end ends then, unless Batch did not know it yet."""
    rows = world.database.fetch(
        "SELECT id, handle, array_handle, EXTRACT(EPOCH FROM terminated_at) FROM jobs"
        " WHERE state = 'failed' AND (cancelled_at IS NOT NULL OR parts IS NOT NULL) ORDER BY id"
    )
    for job_id, handle, array_handle, terminated_at in rows:
        if terminated_at is None:
            yield f"not told to end: job {job_id}"
            continue
        told_s = float(terminated_at) - world.begun_s
        for batch_job in (_known(world, job_id, handle, by_s=told_s - TELLING_S), world.batch.jobs.get(array_handle)):
            if batch_job is None or batch_job.described_at_s > told_s - TELLING_S:
                continue
            if (batch_job.ended_at_s or inf) > told_s + TELLING_S:
                yield f"goes on: {batch_job.id} of job {job_id} after it was told to end"


def _known(world: World, job_id: UUID, handle: str | None, *, by_s: float) -> BatchJob | None:
    """By its handle, or where that was never stored the newest of its name that Batch showed by then."""
    if handle is not None:
        return world.batch.jobs.get(handle)
    named = (job for job in whole_jobs(world.batch.jobs) if job.name == str(job_id) and job.listed_at_s <= by_s)
    return max(named, key=lambda job: job.created_ms, default=None)


def _at_once(world: World) -> Iterator[str]:
    """At most one live job works on a video."""
    rows = world.database.fetch(
        "SELECT a.id, b.id, a.asset_id FROM jobs a JOIN jobs b ON (a.tenant_id, a.asset_id, a.kind, a.shard)"
        " = (b.tenant_id, b.asset_id, b.kind, b.shard) AND a.id < b.id"
        " WHERE tstzrange(a.created_at, a.ended_at) && tstzrange(b.created_at, b.ended_at)"
    )
    for one, other, video_id in rows:
        yield f"two live jobs at once: {one} and {other} of video {video_id}"
