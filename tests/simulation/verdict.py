"""What must be true of a world that has come to rest, whatever happened to it."""

from collections import Counter
from collections.abc import Iterator
from math import inf

from pipeline.lifecycle.video_state import VideoStatus, sources_of
from tests.simulation.array_verdict import judge_arrays
from tests.simulation.arrays import whole_jobs
from tests.simulation.objects_verdict import judge_objects
from tests.simulation.work_verdict import judge_work
from tests.simulation.workers import OUTPUTS, SOURCE_IS_BAD
from tests.simulation.world import World

# What an attempt says itself is believed, whatever one before it has made.
TOLD_FOR_GOOD = (SOURCE_IS_BAD, "INTERNAL_ERROR")


def judge(world: World) -> list[str]:
    """What is wrong in a world of videos, a line each."""
    return [
        *judge_jobs(world),
        *_lost(world),
        *_moved(world),
        *_published(world),
        *_finished_in_vain(world),
        *_told_otherwise(world),
        *judge_arrays(world),
        *judge_objects(world),
    ]


def judge_jobs(world: World) -> list[str]:
    """What is wrong with jobs, whatever they work on."""
    return [
        *world.violations,
        *world.surprises,
        *judge_work(world),
        *_failed(world),
        *_submitted_needlessly(world),
    ]


def _lost(world: World) -> Iterator[str]:
    """Every acknowledged upload is READY, FAILED with a reason, or cancelled."""
    rows = world.database.fetch("SELECT id, status, error_reason FROM videos WHERE status <> 'PENDING'")
    statuses = {row[0]: (row[1], row[2]) for row in rows}
    for refused in world.records.refused:
        yield f"lost: whole upload of {refused} was refused"
    for video_id in world.records.acknowledged - set(statuses):
        yield f"lost: video {video_id} was acknowledged and is PENDING or gone"
    for video_id, (status, reason) in statuses.items():
        if status not in ("READY", "FAILED") or (status == "FAILED" and not reason):
            yield f"lost: video {video_id} is {status} with {reason}"
    without_job = world.database.fetch(
        "SELECT v.id FROM videos v WHERE v.status <> 'PENDING'"
        " AND NOT EXISTS (SELECT FROM jobs j WHERE j.tenant_id = v.tenant_id AND j.asset_id = v.id)"
    )
    for (video_id,) in without_job:
        yield f"lost: video {video_id} has no job"


def _moved(world: World) -> Iterator[str]:
    """A video goes nowhere that its status does not lead: what is READY stays so, whatever becomes of later jobs."""
    moves = world.database.fetch("SELECT video_id, from_status, to_status FROM video_moves ORDER BY id")
    for video_id, before, after in moves:
        if before is not None and VideoStatus(before) not in sources_of(VideoStatus(after)):
            yield f"taken back: video {video_id} went from {before} to {after}"


def _published(world: World) -> Iterator[str]:
    """Each job publishes once at most, whole, not after its cancel, and from its newest attempt while Batch has it."""
    moves = world.database.fetch(
        "SELECT m.job_id, m.video_id, EXTRACT(EPOCH FROM m.moved_at), j.state, j.attempt, j.handle, j.tenant_id,"
        " (SELECT max(attempt) FROM job_attempts a WHERE a.job_id = j.id), v.published_job_id = j.id"
        " FROM video_moves m JOIN jobs j ON j.id = m.job_id JOIN videos v ON v.id = m.video_id"
        " WHERE m.to_status = 'READY' ORDER BY m.id"
    )
    for job_id, times in Counter(row[0] for row in moves).items():
        if times > 1:
            yield f"published {times} times: job {job_id}"
    for job_id, video_id, moved_at, state, attempt, handle, tenant_id, newest, is_current in moves:
        if state != "succeeded" or job_id in world.records.cancelled:
            yield f"stale publish: job {job_id} is {state} and its video became READY"
        batch_job = world.batch.jobs.get(handle)
        is_over = batch_job is not None and (batch_job.ended_at_s or inf) < float(moved_at) - world.begun_s
        if newest is not None and newest > attempt and not is_over:
            yield f"stale publish: attempt {attempt} of job {job_id} while {newest} was the newest"
        prefix = f"tenants/{tenant_id}/videos/{video_id}/hls/{job_id}-{attempt}/"
        for path in (*OUTPUTS, "outcome.json"):
            stored = world.store.objects.get(prefix + path)
            if stored is None:
                if is_current:
                    yield f"partial READY: {prefix}{path} is not there"
            elif stored.put_at_s > float(moved_at) - world.begun_s and is_current:
                yield f"partial READY: {prefix}{path} came after READY"
            elif path in OUTPUTS and stored.body.decode() != f"{path} of {handle} {attempt}":
                yield f"stale publish: {prefix}{path} is {stored.body!r}, not of {handle} {attempt}"
    succeeded = world.database.fetch("SELECT id FROM jobs WHERE state = 'succeeded'")
    for (job_id,) in set(succeeded) - {(row[0],) for row in moves}:
        yield f"lost: job {job_id} succeeded and published nothing"
    amiss = world.database.fetch(
        "SELECT id, hls_path FROM videos v WHERE status = 'READY' AND NOT EXISTS (SELECT FROM jobs j"
        " WHERE j.id = v.published_job_id AND j.state = 'succeeded'"
        " AND v.hls_path LIKE '%%/hls/' || j.id || '-' || j.attempt || '/master.m3u8')"
    )
    for video_id, path in amiss:
        yield f"stale publish: video {video_id} shows {path}"


def _failed(world: World) -> Iterator[str]:
    """A job fails because it was cancelled, its attempt said so for good, or Batch has ended it as failed before.

    Of jobs with parts see `judge_arrays`.
    """
    rows = world.database.fetch(
        "SELECT id, handle, reason, EXTRACT(EPOCH FROM ended_at) FROM jobs"
        " WHERE state = 'failed' AND cancelled_at IS NULL AND parts IS NULL ORDER BY id"
    )
    for job_id, handle, reason, ended_at in rows:
        if str(job_id) in world.store.incomplete:
            continue
        batch_job = world.batch.jobs.get(handle) if handle is not None else None
        if batch_job is None or batch_job.status != "FAILED":
            said = batch_job.status if batch_job is not None else None
            yield f"lost: job {job_id} failed with {reason}, and Batch says {said} of {handle}"
        elif reason != SOURCE_IS_BAD and (batch_job.ended_at_s or 0.0) > float(ended_at) - world.begun_s:
            yield f"lost: job {job_id} failed with {reason} while Batch still had it"


def _finished_in_vain(world: World) -> Iterator[str]:
    """No job fails for want of an outcome that one of its attempts had stored, whole, before Batch ended it."""
    rows = world.database.fetch(
        "SELECT id, handle, tenant_id, asset_id, reason FROM jobs"
        " WHERE state = 'failed' AND reason <> 'CANCELLED' ORDER BY id"
    )
    for job_id, handle, tenant_id, asset_id, reason in rows:
        batch_job = world.batch.jobs.get(handle) if handle is not None else None
        if batch_job is None or batch_job.ended_at_s is None or reason in TOLD_FOR_GOOD:
            continue
        for attempt in range(1, batch_job.attempt + 1):
            prefix = f"tenants/{tenant_id}/videos/{asset_id}/hls/{job_id}-{attempt}/"
            put_at_s = [world.store.first_put_at_s.get(prefix + path) for path in (*OUTPUTS, "outcome.json")]
            if all(at_s is not None and at_s < batch_job.ended_at_s for at_s in put_at_s):
                yield f"lost: job {job_id} failed with {reason}, and attempt {attempt} had finished"


def _told_otherwise(world: World) -> Iterator[str]:
    """The reason that a video shows is that of its newest job."""
    rows = world.database.fetch(
        "SELECT v.id, v.error_reason, j.reason FROM videos v JOIN LATERAL (SELECT reason FROM jobs"
        " WHERE asset_id = v.id ORDER BY created_at DESC LIMIT 1) j ON true"
        " WHERE v.status = 'FAILED' AND v.error_reason IS DISTINCT FROM j.reason"
    )
    for video_id, shown, reason in rows:
        yield f"told otherwise: video {video_id} shows {shown}, and its newest job failed with {reason}"


def _submitted_needlessly(world: World) -> Iterator[str]:
    """Batch has a second job of a name only where the answer to a submit, or the commit after it, was lost."""
    for name in world.batch.needless_submits:
        yield f"submitted again although it was listed: job {name}"
    for name, jobs in Counter(job.name for job in whole_jobs(world.batch.jobs)).items():
        crashes = world.pool.crashes[name] + world.batch.unanswered[name]
        if jobs - 1 > crashes:
            yield f"{jobs} Batch jobs of {name} after {crashes} crashes"
