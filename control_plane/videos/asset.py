"""A video as what a transcode works on."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.assets.parsing import parse_outcome
from control_plane.assets.port import Outcome, Status
from control_plane.videos.parts import told_source
from pipeline.contracts.envelope import JobKind
from pipeline.contracts.transcode import STEPS, TranscodeOutcome
from pipeline.database.job_attempts import AbandonedOutputs, list_abandoned_outputs
from pipeline.database.jobs import Job, find_newest_job
from pipeline.database.video_moves import (
    Publication,
    advance_to_failed,
    advance_to_processing,
    advance_to_ready,
    advance_to_uploaded_again,
)
from pipeline.database.videos import Video, find_video, find_video_statuses, list_changed_videos, lock_video
from pipeline.errors import Conflict, NotFound
from pipeline.progress.keys import job_progress, video_progress, video_status
from pipeline.storage.keys import MASTER_NAME, STORYBOARD_NAME, THUMBNAIL_NAME, attempt_prefix, outcome_key
from pipeline.storage.store import ObjectStore

ACTOR = f"job:{JobKind.TRANSCODE}"


def status_of_video(video: Video, job: Job | None) -> Status:
    """`job` is the video's newest one: only its progress is shown as the video's."""
    value = {
        "id": str(video.id),
        "status": video.status,
        "job_id": str(job.id) if job is not None else None,
        "attempt": job.attempt if job is not None else 0,
        "hls_path": video.hls_path,
        "duration": video.duration_s,
        "error_reason": video.error_reason,
    }
    return Status(video_status(video.tenant_id, video.id), value, video.version)


class VideoAsset:
    """Implements `Asset`."""

    kind = JobKind.TRANSCODE
    noun = "video"
    steps = STEPS
    # Eight renditions and seven steps are about 5 kB.
    outcome_limit_bytes = 1024 * 1024

    def attempt_prefix(self, tenant_id: str, asset_id: UUID, *, job_id: UUID, attempt: int) -> str:
        return attempt_prefix(tenant_id, asset_id, job_id, attempt)

    def progress_keys(self, job: Job) -> tuple[str, ...]:
        return (job_progress(job.tenant_id, job.id), video_progress(job.tenant_id, job.asset_id))

    def told_spec(
        self, _connection: Connection[TupleRow], store: ObjectStore, job: Job, *, expires_s: int
    ) -> dict[str, Any]:
        """The stored spec with a presigned GET in the place of the source's key."""
        return {**job.spec, "source": told_source(store, job, expires_s=expires_s)}

    def parse_outcome(self, _connection: Connection[TupleRow], _job: Job, body: dict[str, Any]) -> Outcome:
        return parse_outcome(TranscodeOutcome, body)

    def outputs_are_stored(self, store: ObjectStore, prefix: str) -> bool:
        """The multivariant playlist is uploaded last, but for the outcome object."""
        return store.find(prefix + MASTER_NAME) is not None and store.find(outcome_key(prefix)) is not None

    def start(self, connection: Connection[TupleRow], job: Job) -> Status | None:
        video = advance_to_processing(connection, job.tenant_id, job.asset_id, job_id=job.id, actor=ACTOR)
        return status_of_video(video, job) if video is not None else None

    def publish(self, connection: Connection[TupleRow], job: Job, *, attempt: int, outcome: Outcome) -> Status:
        assert isinstance(outcome, TranscodeOutcome)
        assert outcome.duration_s is not None, "the contract says so of a ready outcome"
        prefix = attempt_prefix(job.tenant_id, job.asset_id, job.id, attempt)
        publication = Publication(
            job_id=job.id,
            # Of our own making, whatever a worker says about names.
            hls_path=prefix + MASTER_NAME,
            thumbnail_path=prefix + THUMBNAIL_NAME if outcome.thumbnail is not None else None,
            duration_s=outcome.duration_s,
            renditions=[rendition.model_dump(mode="json") for rendition in outcome.renditions],
            storyboard_path=prefix + STORYBOARD_NAME if outcome.storyboard is not None else None,
        )
        video = advance_to_ready(connection, job.tenant_id, job.asset_id, publication=publication, actor=ACTOR)
        if video is None:
            raise Conflict("video_cannot_be_ready", f"video {job.asset_id} of job {job.id} does not allow READY")
        return status_of_video(video, job)

    def stored_outcome(self, outcome: Outcome) -> dict[str, Any]:
        return outcome.model_dump(mode="json")

    def fail(self, connection: Connection[TupleRow], job: Job, *, reason: str) -> Status | None:
        """A video that is READY stays so."""
        video = advance_to_failed(connection, job.tenant_id, job.asset_id, job_id=job.id, reason=reason, actor=ACTOR)
        return status_of_video(video, job) if video is not None else None

    def hold(self, connection: Connection[TupleRow], tenant_id: str, asset_id: UUID) -> str:
        video = lock_video(connection, tenant_id, asset_id)
        if video is None:
            raise NotFound("video_not_found", f"no video {asset_id}")
        return video.status

    def find_statuses(
        self, connection: Connection[TupleRow], tenant_id: str, asset_ids: Collection[UUID]
    ) -> dict[UUID, str]:
        return find_video_statuses(connection, tenant_id, asset_ids)

    def reopen(self, connection: Connection[TupleRow], job: Job) -> Status:
        moved = advance_to_uploaded_again(connection, job.tenant_id, job.asset_id, job_id=job.id, actor=job.created_by)
        video = moved or find_video(connection, job.tenant_id, job.asset_id)
        assert video is not None, "its row is held"
        return status_of_video(video, job)

    def list_recent_statuses(self, connection: Connection[TupleRow], *, within_s: float, limit: int) -> list[Status]:
        videos = list_changed_videos(connection, within_s=within_s, limit=limit)
        return [status_of_video(video, find_newest_job(connection, video.tenant_id, video.id)) for video in videos]

    def list_abandoned(self, connection: Connection[TupleRow], *, grace_s: float, limit: int) -> list[AbandonedOutputs]:
        return list_abandoned_outputs(connection, grace_s=grace_s, limit=limit)
