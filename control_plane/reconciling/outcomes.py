"""Outcome objects: what an attempt left in the store before it called `finish`."""

from pydantic import ValidationError

from pipeline.contracts.transcode import TranscodeOutcome
from pipeline.database.jobs import Job
from pipeline.errors import Invalid
from pipeline.logs import get_logger
from pipeline.storage.keys import MASTER_NAME, attempt_prefix, outcome_key
from pipeline.storage.store import ObjectStore

# Eight renditions and seven steps are about 5 kB.
OUTCOME_LIMIT_BYTES = 1024 * 1024

logger = get_logger(__name__)


def outputs_are_stored(store: ObjectStore, job: Job, attempt: int) -> bool:
    """Whether the multivariant playlist, which is uploaded last, and the outcome object are there."""
    prefix = attempt_prefix(job.tenant_id, job.asset_id, job.id, attempt)
    outcome = outcome_key(job.tenant_id, job.asset_id, job.id, attempt)
    return store.find(prefix + MASTER_NAME) is not None and store.find(outcome) is not None


def find_outcome(store: ObjectStore, job: Job, attempt: int) -> TranscodeOutcome | None:
    """The outcome that `attempt` stored. What cannot be read, or has no playlist beside it, counts as none."""
    if attempt < 1:
        return None
    key = outcome_key(job.tenant_id, job.asset_id, job.id, attempt)
    try:
        body = store.read(key, limit_bytes=OUTCOME_LIMIT_BYTES)
        if body is None:
            return None
        outcome = TranscodeOutcome.model_validate_json(body)
    except (ValidationError, Invalid) as exc:
        logger.warning("outcome_unreadable", key=key, error=str(exc)[:500])
        return None
    if outcome.status == "ready" and not outputs_are_stored(store, job, attempt):
        logger.warning("outcome_without_playlist", key=key)
        return None
    return outcome
