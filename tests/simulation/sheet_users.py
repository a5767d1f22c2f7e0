"""Teachers with piles of answer sheets: as `User`, with batches of several files."""

from collections.abc import Generator
from typing import Any
from uuid import UUID

from control_plane.jobs.rules import cancel_job, resubmit_job
from control_plane.omr.batches import cancel_batch, get_batch, init_batch, retry_batch
from control_plane.omr.calls import BatchCall, FileCall, TemplateCall
from control_plane.omr.complete import complete_batch
from control_plane.omr.templates import store_template
from control_plane.omr.uploads import sign_upload
from pipeline.answer_sheets.template import Template
from pipeline.database.jobs import Job, find_job
from pipeline.database.omr_batches import OmrBatch
from pipeline.database.omr_shards import list_shards
from pipeline.errors import Conflict
from tests.control_plane.omr.sheets import JPEG, template_json
from tests.simulation.users import User
from tests.simulation.workers import Unreachable

TEMPLATE = Template.model_validate(template_json())
MOST_FILES = 7
# So that most batches are arrays, and some are one job.
PAGES_PER_JOB = 2


class SheetUser(User):
    """One batch from its upload to where its teacher loses interest."""

    def steps(self) -> Generator[float, None, None]:
        random = self._faults.random
        names = [f"{number}.jpg" for number in range(random.randint(1, MOST_FILES))]
        files = tuple(FileCall(name=name, size=len(JPEG), content_type="image/jpeg") for name in names)
        try:
            template, _ = yield from self._insist(
                lambda: store_template(self._services, self._caller, TemplateCall(template=TEMPLATE))
            )
            call = BatchCall(exam="midterm", template_id=template.id, files=files)
            batch, rows = yield from self._insist(lambda: init_batch(self._services, self._caller, call))
        except Unreachable:
            return
        yield random.uniform(0.1, 20.0)
        for row in rows:
            self._store.put(sign_upload(self._services, row).url, JPEG)
        try:
            yield from self._insist(lambda: complete_batch(self._services, self._caller, batch.id))
        except Unreachable:
            return
        self._records.acknowledged.add(batch.id)
        for _ in range(3):
            yield random.uniform(5.0, 150.0)
            yield from self._interfere_with(batch.id)

    def _interfere_with(self, batch_id: UUID) -> Generator[float, None, None]:
        try:
            batch, jobs = yield from self._insist(lambda: self._look_at(batch_id))
            yield from self._insist(lambda: self._do(batch, jobs))
        except (Conflict, Unreachable):
            return

    def _look_at(self, batch_id: UUID) -> tuple[OmrBatch, list[Job]]:
        with self._services.pool.connection() as connection:
            batch = get_batch(connection, self._caller.tenant_id, batch_id)
            shards = list_shards(connection, batch.tenant_id, batch.id)
            found = [find_job(connection, batch.tenant_id, shard.job_id) for shard in shards]
        return batch, [job for job in found if job is not None]

    def _do(self, batch: OmrBatch, jobs: list[Job]) -> Any:
        random = self._faults.random
        wish, job = random.random(), random.choice(jobs)
        if job.is_live and wish < 0.1:
            cancel_job(self._services, self._caller, job.id)
            self._records.cancelled.add(job.id)
        elif job.is_live and wish < 0.15:
            cancel_batch(self._services, self._caller, batch.id)
        elif batch.status == "FAILED" and wish < 0.6:
            retry_batch(self._services, self._caller, batch.id)
        elif not job.is_live and wish < 0.75:
            resubmit_job(self._services, self._caller, job.id, force=True)
