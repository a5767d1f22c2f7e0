"""Teachers and operators: they upload, complete, lose the answer and complete again, cancel, retry and resubmit."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from control_plane.auth import Caller, Role
from control_plane.jobs.rules import cancel_job, resubmit_job
from control_plane.services import Services
from control_plane.videos.complete import PartCall, complete_upload
from control_plane.videos.replies import UploadInParts, WholeUpload
from control_plane.videos.retry import retry_video
from control_plane.videos.upload import InitCall, init_upload
from pipeline.database.jobs import Job, find_newest_job
from pipeline.database.videos import Video, find_video
from pipeline.errors import Conflict, NotFound
from pipeline.identifiers import TenantId
from tests.simulation.faults import Faults
from tests.simulation.store import MemoryStore
from tests.simulation.workers import Unreachable

# The longer one is put in parts.
SOURCES = (b"a lecture", b"a lecture in so many parts")
TENANTS = ("hagwon-1", "hagwon-2", "hagwon-3")
PATIENCE = 12


@dataclass
class Records:
    """What users were promised: videos whose upload was acknowledged, and jobs whose cancel was.

    `promised` are jobs of which a retry or a resubmit was told, `refused` whole uploads that were not taken.
    """

    acknowledged: set[UUID] = field(default_factory=set)
    cancelled: set[UUID] = field(default_factory=set)
    promised: set[UUID] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)


class User:
    """One video from its upload to where its teacher loses interest. `ask` is as in `Attempt`."""

    def __init__(
        self,
        services: Services,
        *,
        store: MemoryStore,
        faults: Faults,
        records: Records,
        ask: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._services = services
        self._store = store
        self._faults = faults
        self._records = records
        self._ask = ask
        self._caller = Caller(TenantId(faults.random.choice(TENANTS)), "kim", Role.OPERATOR)

    def steps(self) -> Generator[float, None, None]:
        random = self._faults.random
        try:
            video, upload = yield from self._upload(None)
            if random.random() < 0.15:
                # The page was loaded anew, and with it another file chosen.
                video, upload = yield from self._upload(video.id)
            yield random.uniform(0.1, 20.0)
            parts = self._put(upload)
        except (Conflict, NotFound, Unreachable):
            return
        yield from self._complete(video, parts)
        if random.random() < 0.15:
            # It was the wrong file: cancelled before, while or after the job is submitted.
            yield random.uniform(0.0, 8.0)
            yield from self._interfere(video, cancel_share=1.0)
        for _ in range(3):
            yield random.uniform(5.0, 150.0)
            yield from self._interfere(video)

    def _complete(self, video: Video, parts: tuple[PartCall, ...]) -> Generator[float, None, None]:
        calls = 2 if self._faults.random.random() < 0.3 else 1
        for _ in range(calls):
            try:
                yield from self._insist(lambda: complete_upload(self._services, self._caller, video, parts=parts))
            except Unreachable:
                continue
            except Conflict as refusal:
                # A cancelled or failed one answers so to whoever is late, and one whose second init was heard twice.
                is_late = refusal.reason == "video_has_failed"
                if not (is_late or (refusal.reason == "upload_replaced" and video.upload_number > 1)):
                    self._records.refused.append(f"video {video.id} with {refusal.reason}")
                continue
            self._records.acknowledged.add(video.id)

    def _upload(self, video_id: UUID | None) -> Generator[float, None, tuple[Video, WholeUpload | UploadInParts]]:
        """The row as the last answer has it, and how to upload to it."""
        self._source = self._faults.random.choice(SOURCES)
        call = InitCall(
            video_id=video_id, title="Vectors", filename="v.mp4", content_type="video/mp4", size=len(self._source)
        )
        answer: tuple[Video, WholeUpload | UploadInParts]
        answer = yield from self._insist(lambda: init_upload(self._services, self._caller, call))
        return answer

    def _put(self, upload: WholeUpload | UploadInParts) -> tuple[PartCall, ...]:
        if isinstance(upload, WholeUpload):
            self._store.put(upload.url, self._source)
            return ()
        size = upload.part_bytes
        bodies = (self._source[at : at + size] for at in range(0, len(self._source), size))
        return tuple(
            PartCall(number=part.number, etag=self._store.put_part(part.url, body))
            for part, body in zip(upload.parts, bodies, strict=True)
        )

    def _interfere(self, video: Video, *, cancel_share: float = 0.1) -> Generator[float, None, None]:
        try:
            now, job = yield from self._insist(lambda: self._look(video.id))
            if job is None:
                return
            wish = self._faults.random.random()
            if job.is_live and wish < cancel_share:
                yield from self._insist(lambda: cancel_job(self._services, self._caller, job.id))
                self._records.cancelled.add(job.id)
            elif now.status in ("FAILED", "UPLOADED") and wish < 0.7:
                _, new = yield from self._insist(lambda: retry_video(self._services, self._caller, video.id))
                self._records.promised.add(new.id)
            elif now.status == "READY" and wish < 0.15:
                new = yield from self._insist(lambda: resubmit_job(self._services, self._caller, job.id, force=True))
                self._records.promised.add(new.id)
        except (Conflict, Unreachable):
            return

    def _look(self, video_id: UUID) -> tuple[Video, Job | None]:
        with self._services.pool.connection() as connection:
            video = find_video(connection, self._caller.tenant_id, video_id)
            assert video is not None
            return video, find_newest_job(connection, self._caller.tenant_id, video_id)

    def _insist(self, make: Callable[[], Any]) -> Generator[float, None, Any]:
        for pause_s in range(1, PATIENCE + 1):
            try:
                return self._ask(make)
            except Unreachable:
                yield float(pause_s)
        raise Unreachable
