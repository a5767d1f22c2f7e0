"""Every object key is made here. All keys of a tenant lie below its own prefix."""

from uuid import UUID

from pipeline.contracts.envelope import OUTCOME_NAME

MASTER_NAME = "master.m3u8"
THUMBNAIL_NAME = "thumbnail.jpg"
STORYBOARD_NAME = "storyboard/index.vtt"


def video_prefix(tenant_id: str, video_id: UUID) -> str:
    return f"tenants/{tenant_id}/videos/{video_id}/"


def source_key(tenant_id: str, video_id: UUID, upload_number: int, suffix: str) -> str:
    """Each upload has a key of its own, so that an old signed PUT cannot touch a newer upload."""
    return f"{video_prefix(tenant_id, video_id)}source/{upload_number}{suffix}"


def attempt_prefix(tenant_id: str, video_id: UUID, job_id: UUID, attempt: int) -> str:
    """Where one attempt writes; nothing else ever writes there."""
    return f"{video_prefix(tenant_id, video_id)}hls/{job_id}-{attempt}/"


def part_prefix(tenant_id: str, video_id: UUID, job_id: UUID, *, part: int, attempt: int) -> str:
    """Where one attempt at a part of a job writes; the join job reads it, and no player."""
    return f"{video_prefix(tenant_id, video_id)}hls/{job_id}-p{part}-{attempt}/"


def outcome_key(prefix: str) -> str:
    """The outcome object below an attempt's prefix, of whatever kind."""
    return prefix + OUTCOME_NAME


def template_picture_key(tenant_id: str, template_id: UUID, number: int, suffix: str) -> str:
    return f"tenants/{tenant_id}/omr/templates/{template_id}/{number}{suffix}"


def batch_prefix(tenant_id: str, batch_id: UUID) -> str:
    return f"tenants/{tenant_id}/omr/batches/{batch_id}/"


def batch_file_key(tenant_id: str, batch_id: UUID, number: int, suffix: str) -> str:
    return f"{batch_prefix(tenant_id, batch_id)}source/{number}{suffix}"


def readings_prefix(tenant_id: str, batch_id: UUID, job_id: UUID, attempt: int) -> str:
    """Where one attempt at answer sheets writes; nothing else ever writes there."""
    return f"{batch_prefix(tenant_id, batch_id)}readings/{job_id}-{attempt}/"
