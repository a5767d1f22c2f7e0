"""When a job is repeated, and when it may be cancelled, whatever it works on."""

from uuid import UUID

from control_plane.assets.kinds import asset_of
from control_plane.auth import Caller
from control_plane.dispatch import dispatcher, terminations
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import apply_news
from control_plane.reconciling.statuses import announce
from control_plane.services import Services
from pipeline.database.jobs import Job, NewJob, find_job, find_live_job, insert_job
from pipeline.errors import Conflict, NotFound
from pipeline.identifiers import new_job_id
from pipeline.lifecycle.reconcile import Cancelled


def resubmit_job(services: Services, caller: Caller, job_id: UUID, *, force: bool) -> Job:
    """A new job with the spec of an old one. A READY asset keeps what it has until the new job ends well."""
    with services.pool.connection() as connection:
        old = find_job(connection, caller.tenant_id, job_id)
        if old is None:
            raise NotFound("job_not_found", f"no job {job_id}")
        asset = asset_of(old.kind)
        # Whoever holds the asset's row is the only one who can insert a job for it.
        status = asset.hold(connection, caller.tenant_id, old.asset_id)
        live = find_live_job(connection, caller.tenant_id, old.asset_id, kind=old.kind, shard=old.shard)
        if live is not None:
            raise Conflict("job_is_live", f"job {live.id} of {asset.noun} {old.asset_id} is {live.state}")
        refusal = None if force else ready_refusal(old, status)
        if refusal is not None:
            raise refusal
        job = insert_job(connection, _repeated(old, created_by=caller.user_id))
        reopened = asset.reopen(connection, job)
    services.background.wake(dispatcher.NAME)
    announce(services, job, reopened)
    return job


def ready_refusal(job: Job, status: str | None) -> Conflict | None:
    """Why a job whose asset has this status is not repeated unless that is forced."""
    if status != "READY":
        return None
    noun = asset_of(job.kind).noun
    return Conflict(f"{noun}_is_ready", f"{noun} {job.asset_id} is READY; send force to replace its outputs")


def _repeated(old: Job, *, created_by: str) -> NewJob:
    return NewJob(
        id=new_job_id(),
        tenant_id=old.tenant_id,
        kind=old.kind,
        asset_id=old.asset_id,
        shard=old.shard,
        parts=old.parts,
        priority=old.priority,
        spec=old.spec,
        created_by=created_by,
    )


def cancel_job(services: Services, caller: Caller, job_id: UUID) -> Job:
    """The job failed, and its asset too unless that has an older result; the executor is told in the background."""
    job = apply_news(services, JobKey(caller.tenant_id, job_id), Cancelled(by=caller.user_id))
    services.background.wake(terminations.NAME)
    return job
