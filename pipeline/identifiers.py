"""Identifiers as they stand in URLs, SQL rows, Redis keys and object keys.

A tenant's identifier is chosen by the academy's own system and becomes part of keys, so its alphabet is
closed. Videos and jobs are random UUIDs: a job's identifier is also its AWS Batch job name.
"""

import re
from typing import Annotated, NewType
from uuid import UUID, uuid4

from pydantic import StringConstraints

from pipeline.errors import Invalid

TENANT_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"

TenantId = NewType("TenantId", str)
VideoId = NewType("VideoId", UUID)
JobId = NewType("JobId", UUID)

TenantText = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]


def parse_tenant(text: str) -> TenantId:
    """The tenant that `text` names; raises `Invalid` for anything that may not stand in a key."""
    if not re.fullmatch(TENANT_PATTERN, text):
        raise Invalid("tenant_invalid", f"tenant_id {text!r} does not match {TENANT_PATTERN}")
    return TenantId(text)


def new_video_id() -> VideoId:
    return VideoId(uuid4())


def new_job_id() -> JobId:
    return JobId(uuid4())


# The first characters of an identifier, as tables show them, without its dashes.
ID_START_PATTERN = r"^[0-9a-f]{4,32}$"


def ids_that_start(start: str) -> tuple[UUID, UUID]:
    """The first and the last identifier of those that start so; `start` matches `ID_START_PATTERN`."""
    return UUID(start.ljust(32, "0")), UUID(start.ljust(32, "f"))
