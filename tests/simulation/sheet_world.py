"""A world of answer sheets: as that of videos, with batches whose shards are children of one array."""

from dataclasses import replace
from uuid import UUID

from control_plane.internal_jobs.tokens import JobKey
from control_plane.services import Services
from pipeline.identifiers import TenantId
from tests.simulation.arrays import BatchJob
from tests.simulation.sheet_users import PAGES_PER_JOB, SheetUser
from tests.simulation.sheet_workers import SheetAttempt
from tests.simulation.users import User
from tests.simulation.workers import Attempt
from tests.simulation.world import World


class SheetWorld(World):
    def _services(self) -> Services:
        services = super()._services()
        return replace(services, settings=services.settings.model_copy(update={"omr_pages_per_job": PAGES_PER_JOB}))

    def _user(self) -> User:
        return SheetUser(self.services, store=self.store, faults=self.faults, records=self.records, ask=self._ask)

    def _open_attempt(self, batch_job: BatchJob) -> Attempt:
        ((job_id, tenant_id),) = self.database.fetch(
            "SELECT id, tenant_id FROM jobs WHERE COALESCE(array_id, id) = %s AND array_index IS NOT DISTINCT FROM %s",
            UUID(batch_job.job_id),
            batch_job.index,
        )
        key = JobKey(TenantId(tenant_id), job_id)
        return SheetAttempt(self.services, batch_job, key=key, store=self.store, faults=self.faults, ask=self._ask)
