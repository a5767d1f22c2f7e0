"""Every Redis key is made here, below the tenant's own prefix.

`status` is written by the control plane alone, `progress` by jobs alone.
"""

from uuid import UUID

IN_PROGRESS_TTL_S = 21_600


def video_status(tenant_id: str, video_id: UUID | str) -> str:
    return f"tenant:{tenant_id}:video:{video_id}:status"


def video_progress(tenant_id: str, video_id: UUID | str) -> str:
    return f"tenant:{tenant_id}:video:{video_id}:progress"


def job_status(tenant_id: str, job_id: UUID | str) -> str:
    return f"tenant:{tenant_id}:job:{job_id}:status"


def job_progress(tenant_id: str, job_id: UUID | str) -> str:
    return f"tenant:{tenant_id}:job:{job_id}:progress"


def job_parts(tenant_id: str, job_id: UUID | str) -> str:
    """A hash: what share of its work each child of the job's array has done."""
    return f"tenant:{tenant_id}:job:{job_id}:parts"


def batch_status(tenant_id: str, batch_id: UUID | str) -> str:
    """Its progress is that of its jobs, which the status names."""
    return f"tenant:{tenant_id}:omr_batch:{batch_id}:status"


# What the jobs' ACL user may touch (Redis ACL pattern syntax).
JOB_KEY_PATTERNS: tuple[str, ...] = ("tenant:*:video:*:progress", "tenant:*:job:*:progress", "tenant:*:job:*:parts")
# What that user may call: the progress scripts and what they run, and what redis-py says when it connects.
JOB_COMMANDS: tuple[str, ...] = (
    *("evalsha", "script|load", "client|setinfo"),
    *("get", "set"),
    *("hget", "hset", "hsetnx", "hgetall", "expire"),
)
