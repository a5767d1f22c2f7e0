"""A child of an array, as the control plane hears it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from control_plane.internal_jobs.tokens import PARTS_AUDIENCE, JobKey, mint_job_token
from control_plane.videos.parts import prefix_of_part
from pipeline.contracts.transcode_part import PART_NAME
from pipeline.identifiers import TenantId
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.plane import JOB_SECRET, TENANT, Plane

PARTS = 3
ARCHIVE = b"segments"
OUTCOME = {"status": "ready", "size_bytes": len(ARCHIVE), "steps": [{"name": "transcoding", "seconds": 2.5}]}
CALLS: dict[str, dict[str, Any]] = {
    "start": {},
    "uploads": {"files": [{"path": PART_NAME, "size_bytes": len(ARCHIVE), "content_type": "application/x-tar"}]},
    "finish": {"outcome": OUTCOME},
    "fail": {"reason": "CORRUPT", "permanent": True},
}


@dataclass
class Child:
    """Speaks as the attempts at one part."""

    plane: Plane
    job_id: UUID
    part: int

    @property
    def array(self) -> str:
        return f"handle-{self.job_id}-parts"

    @property
    def handle(self) -> str:
        return f"{self.array}:{self.part}"

    def call(self, name: str, attempt: int, *, token: str | None = None, **more: Any) -> httpx.Response:
        bearer = token or mint(self.job_id, PARTS_AUDIENCE)
        return self.plane.http.post(
            f"/api/v1/internal/jobs/{self.job_id}/parts/{self.part}/{name}",
            json={"attempt": attempt, "handle": self.handle, **CALLS[name], **more},
            headers={"Authorization": f"Bearer {bearer}"},
        )

    def store(self, attempt: int) -> None:
        store = self.plane.services.store
        prefix = prefix_of_part(self.plane.job(self.job_id), self.part, attempt)
        store.write(prefix + PART_NAME, ARCHIVE, content_type="application/x-tar")
        body = f'{{"status": "ready", "size_bytes": {len(ARCHIVE)}}}'
        store.write(prefix + "outcome.json", body.encode(), content_type="application/json")

    def make(self, attempt: int = 1) -> None:
        assert self.call("start", attempt).status_code == 200
        self.store(attempt)
        reply = self.call("finish", attempt)
        assert reply.status_code == 200, reply.text

    def ends(self, state: JobState, *exit_codes: int, why: str = "") -> None:
        """As the executor sees it."""
        self.plane.executor.tell(self.handle, state, attempt=len(exit_codes), exit_codes=exit_codes, why=why)


def mint(job_id: UUID, audience: str, tenant: str = TENANT) -> str:
    return mint_job_token(JobKey(TenantId(tenant), job_id), secret=JOB_SECRET, audience=audience)


def video_of(plane: Plane, job_id: UUID) -> tuple[str, str | None]:
    video = plane.video(plane.job(job_id).asset_id)
    return video.status, video.error_reason
