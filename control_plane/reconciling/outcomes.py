"""Outcome objects: what an attempt left in the store before it called `finish`."""

import json

from control_plane.assets.kinds import asset_of
from control_plane.assets.port import Outcome
from control_plane.services import Services
from pipeline.database.jobs import Job
from pipeline.errors import Invalid
from pipeline.logs import get_logger
from pipeline.storage.keys import outcome_key
from pipeline.storage.store import ObjectStore

logger = get_logger(__name__)


def outputs_are_stored(store: ObjectStore, job: Job, attempt: int) -> bool:
    """Whether all is there that the job's asset needs to be READY."""
    return asset_of(job.kind).outputs_are_stored(store, prefix_of(job, attempt))


def prefix_of(job: Job, attempt: int) -> str:
    return asset_of(job.kind).attempt_prefix(job.tenant_id, job.asset_id, job_id=job.id, attempt=attempt)


def find_outcome(services: Services, job: Job, attempt: int) -> Outcome | None:
    """The outcome that `attempt` stored. What cannot be read, or has not its outputs beside it, counts as none."""
    if attempt < 1:
        return None
    key = outcome_key(prefix_of(job, attempt))
    try:
        outcome = _read_outcome(services, job, key)
    # RecursionError: deeply nested brackets are within the rules of JSON.
    except (ValueError, RecursionError, Invalid) as exc:
        logger.warning("outcome_unreadable", key=key, error=str(exc)[:500])
        return None
    if outcome is not None and outcome.status == "ready" and not outputs_are_stored(services.store, job, attempt):
        logger.warning("outcome_without_outputs", key=key)
        return None
    return outcome


def _read_outcome(services: Services, job: Job, key: str) -> Outcome | None:
    asset = asset_of(job.kind)
    body = services.store.read(key, limit_bytes=asset.outcome_limit_bytes)
    if body is None:
        return None
    # Postgres stores no NUL.
    value = json.loads(body.replace(b"\\u0000", b""))
    if not isinstance(value, dict):
        raise Invalid("outcome_invalid", "not a JSON object")
    with services.pool.connection() as connection:
        return asset.parse_outcome(connection, job, value)
