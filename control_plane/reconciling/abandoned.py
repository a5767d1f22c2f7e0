"""Remove outputs that nobody uses: of attempts that failed or went stale, and what was replaced by a newer job.

Only attempts' own prefixes are ever deleted, never a source.
"""

from threading import Event

from control_plane.assets.kinds import ASSETS
from control_plane.assets.port import Asset
from control_plane.services import Services
from pipeline.database.job_attempts import record_outputs_deleted
from pipeline.logs import get_logger

EVERY_S = 600.0
AT_ONCE = 50

logger = get_logger(__name__)


def delete_abandoned_outputs(services: Services, stopping: Event) -> None:
    """Delete first and record it afterwards: what stops in between is deleted again, which does nothing."""
    for asset in ASSETS.values():
        _delete_abandoned(services, asset, stopping)


def _delete_abandoned(services: Services, asset: Asset, stopping: Event) -> None:
    with services.pool.connection() as connection:
        abandoned = asset.list_abandoned(connection, grace_s=services.settings.outputs_grace_s, limit=AT_ONCE)
    for outputs in abandoned:
        if stopping.is_set():
            return
        prefix = asset.attempt_prefix(
            outputs.tenant_id, outputs.asset_id, job_id=outputs.job_id, attempt=outputs.attempt
        )
        count = services.store.delete_prefix(prefix)
        with services.pool.connection() as connection:
            record_outputs_deleted(connection, outputs.tenant_id, outputs.job_id, attempt=outputs.attempt)
        logger.info("outputs_deleted", prefix=prefix, objects=count)
