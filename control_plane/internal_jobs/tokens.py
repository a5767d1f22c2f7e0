"""The token of one job, or of one array's children: good for the four internal calls, and for nothing else."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from pipeline.errors import Invalid, NotAllowed, NotAuthenticated
from pipeline.identifiers import TenantId, parse_tenant

AUDIENCE = "job"
# Of an array, by the job whose parts it makes or by its own identifier: its children cannot speak for a job that is
# none of them, nor a job for them.
PARTS_AUDIENCE = "job-parts"
ALGORITHM = "HS256"
# A job may wait days for a machine, and work through several attempts after that.
LIFETIME_S = 7 * 86_400


@dataclass(frozen=True)
class JobKey:
    """A job and whose it is."""

    tenant_id: TenantId
    job_id: UUID


def mint_job_token(key: JobKey, *, secret: str, audience: str = AUDIENCE) -> str:
    claims = {
        "sub": str(key.job_id),
        "tenant_id": key.tenant_id,
        "aud": audience,
        "exp": int(time.time()) + LIFETIME_S,
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify_job_token(token: str, job_id: UUID, *, secret: str, audience: str = AUDIENCE) -> JobKey:
    """Whose job it is; raises `NotAuthenticated`, or `NotAllowed` for the token of another job."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=[ALGORITHM], audience=audience, options={"require": ["exp", "sub", "aud"]}
        )
        tenant_id = parse_tenant(str(claims.get("tenant_id")))
    except jwt.ExpiredSignatureError as exc:
        raise NotAuthenticated("token_expired", "exp has passed") from exc
    except (jwt.PyJWTError, Invalid) as exc:
        raise NotAuthenticated("job_token_invalid", str(exc)) from exc
    if claims["sub"] != str(job_id):
        raise NotAllowed("token_is_of_another_job", f"this token is not for job {job_id}")
    return JobKey(tenant_id, job_id)
