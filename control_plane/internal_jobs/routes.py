"""The four calls of a job, with its own token as bearer. A 409 says that the attempt is no longer the newest one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from control_plane.auth import bearer_token
from control_plane.internal_jobs import rules
from control_plane.internal_jobs.tokens import JobKey, verify_job_token
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

router = APIRouter(prefix="/api/v1/internal/jobs/{job_id}", tags=["internal"])


async def _calling_job(request: Request, services: Wired, job_id: UUID) -> JobKey:
    secret = services.settings.job_token_secret
    assert secret is not None, "checked at start"
    return verify_job_token(bearer_token(request), job_id, secret=secret.get_secret_value())


CallingJob = Annotated[JobKey, Depends(_calling_job)]


@router.post("/start")
def start(services: Wired, key: CallingJob, call: StartCall) -> StartReply:
    """What the attempt has to do. It makes older attempts stale."""
    return rules.start(services, key, call)


@router.post("/uploads")
def uploads(services: Wired, key: CallingJob, call: UploadsCall) -> UploadsReply:
    """Presigned PUTs below the attempt's own prefix, in the order in which they were asked for."""
    return rules.sign_uploads(services, key, call)


@router.post("/finish")
def finish(services: Wired, key: CallingJob, call: FinishCall) -> CallReply:
    """Publish what the attempt has stored."""
    return CallReply(state=rules.finish(services, key, call).state)


@router.post("/fail")
def fail(services: Wired, key: CallingJob, call: FailCall) -> CallReply:
    """Say why the attempt ends: for good, or to be tried again."""
    return CallReply(state=rules.fail(services, key, call).state)
