"""What the children of a video's array are told, and what the join job is told of them."""

from typing import Any

from pipeline.contracts.transcode_part import PART_NAME
from pipeline.database.job_parts import PartAttempt
from pipeline.database.jobs import Job
from pipeline.storage.keys import part_prefix
from pipeline.storage.store import ObjectStore


def prefix_of_part(job: Job, part: int, attempt: int) -> str:
    return part_prefix(job.tenant_id, job.asset_id, job.id, part=part, attempt=attempt)


def told_source(store: ObjectStore, job: Job, *, expires_s: int) -> dict[str, Any]:
    """The stored source with a presigned GET in the place of its key."""
    source = dict(job.spec["source"])
    signed = store.sign_get(source.pop("key"), expires_s=expires_s)
    return {**source, "url": signed.url}


def told_part(store: ObjectStore, job: Job, part: int, *, expires_s: int) -> dict[str, Any]:
    """A `PartSpec` in JSON."""
    source = told_source(store, job, expires_s=expires_s)
    return {**job.spec, "source": source, "part": part, "parts": job.parts}


def told_made(store: ObjectStore, job: Job, made: list[PartAttempt], *, expires_s: int) -> list[dict[str, Any]]:
    """The archives of succeeded attempts, in the order of their parts, as sources."""
    return [
        {
            "url": store.sign_get(prefix_of_part(job, one.part, one.attempt) + PART_NAME, expires_s=expires_s).url,
            # Only that attempt could write it.
            "etag": None,
            "size_bytes": one.size_bytes,
            "filename": PART_NAME,
        }
        for one in made
    ]
