"""The progress of a video: from Redis where it is warm, else from the rows, which warm it again."""

import json
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from control_plane.assets.port import Status
from control_plane.reconciling.statuses import put_status
from control_plane.services import Services
from control_plane.videos.asset import status_of_video
from pipeline.contracts.transcode import STEPS
from pipeline.database.jobs import find_newest_job
from pipeline.database.videos import find_video
from pipeline.errors import NotFound
from pipeline.identifiers import TenantId
from pipeline.progress.answer import compose_answer, is_usable_status
from pipeline.progress.keys import video_progress, video_status


async def read_video_progress(services: Services, tenant_id: TenantId, video_id: UUID) -> dict[str, Any]:
    """Raises `NotFound` for a video that the tenant does not have.

    The key names the tenant of the token, so what another tenant cached is never read.
    """
    status, progress = await services.progress.read(
        video_status(tenant_id, video_id), video_progress(tenant_id, video_id)
    )
    if not is_usable_status(status):
        found = await run_in_threadpool(_status_of_row, services, tenant_id, video_id)
        status = json.dumps(found.value)
    return compose_answer(str(video_id), status, progress, steps=STEPS)


def _status_of_row(services: Services, tenant_id: TenantId, video_id: UUID) -> Status:
    with services.pool.connection() as connection:
        video = find_video(connection, tenant_id, video_id)
        if video is None:
            raise NotFound("video_not_found", f"no video {video_id}")
        job = find_newest_job(connection, tenant_id, video_id)
    status = status_of_video(video, job)
    put_status(services, status)
    return status
