"""The four calls of an array's child, with the token of its array as bearer. They mean what a job's own calls mean.

A child makes a part of the job that the path names, or is itself a job, child `part` of the array that the path names.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request

from control_plane.auth import bearer_token
from control_plane.internal_jobs import part_rules, rules
from control_plane.internal_jobs.tokens import PARTS_AUDIENCE, JobKey, verify_job_token
from control_plane.services import Wired
from pipeline.contracts.envelope import (
    CallReply,
    FailCall,
    FinishCall,
    StartCall,
    StartReply,
    UploadsCall,
    UploadsReply,
)
from pipeline.database.array_jobs import find_job_of_child

router = APIRouter(prefix="/api/v1/internal/jobs/{job_id}/parts/{part}", tags=["internal"])


async def _calling_array(request: Request, services: Wired, job_id: UUID) -> JobKey:
    secret = services.settings.job_token_secret
    assert secret is not None, "checked at start"
    return verify_job_token(bearer_token(request), job_id, secret=secret.get_secret_value(), audience=PARTS_AUDIENCE)


CallingArray = Annotated[JobKey, Depends(_calling_array)]
Part = Annotated[int, Path(ge=0, lt=10_000)]


def _job_of_child(services: Wired, key: CallingArray, part: Part) -> JobKey | None:
    with services.pool.connection() as connection:
        job = find_job_of_child(connection, key.tenant_id, key.job_id, array_index=part)
    return JobKey(key.tenant_id, job.id) if job is not None else None


# None for a child that makes a part of a job.
OwnJob = Annotated[JobKey | None, Depends(_job_of_child)]


@router.post("/start")
def start(services: Wired, key: CallingArray, part: Part, own: OwnJob, call: StartCall) -> StartReply:
    if own is not None:
        return rules.start(services, own, call)
    return part_rules.start(services, key, part, call)


@router.post("/uploads")
def uploads(services: Wired, key: CallingArray, part: Part, own: OwnJob, call: UploadsCall) -> UploadsReply:
    if own is not None:
        return rules.sign_uploads(services, own, call)
    return part_rules.sign_uploads(services, key, part, call)


@router.post("/finish")
def finish(services: Wired, key: CallingArray, part: Part, own: OwnJob, call: FinishCall) -> CallReply:
    if own is not None:
        return CallReply(state=rules.finish(services, own, call).state)
    return CallReply(state=part_rules.finish(services, key, part, call).state)


@router.post("/fail")
def fail(services: Wired, key: CallingArray, part: Part, own: OwnJob, call: FailCall) -> CallReply:
    if own is not None:
        return CallReply(state=rules.fail(services, own, call).state)
    return CallReply(state=part_rules.fail(services, key, part, call).state)
