"""Remove outputs that nobody uses: of attempts that failed or went stale, and what was replaced by a newer job.

Only attempts' own prefixes are ever deleted, never a source.
"""

from threading import Event

from control_plane.assets.kinds import ASSETS
from control_plane.assets.port import Asset
from control_plane.services import Services
from pipeline.database.job_attempts import record_outputs_deleted
from pipeline.database.job_parts import list_abandoned_parts, record_part_deleted
from pipeline.logs import get_logger
from pipeline.storage.keys import part_prefix

EVERY_S = 600.0
AT_ONCE = 50

logger = get_logger(__name__)


def delete_abandoned_outputs(services: Services, stopping: Event) -> None:
    """Delete first and record it afterwards: what stops in between is deleted again, which does nothing."""
    for asset in ASSETS.values():
        _delete_abandoned(services, asset, stopping)
    _delete_parts(services, stopping)


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


def _delete_parts(services: Services, stopping: Event) -> None:
    """What an array's children have left for a job that has ended, whichever way."""
    with services.pool.connection() as connection:
        abandoned = list_abandoned_parts(connection, grace_s=services.settings.outputs_grace_s, limit=AT_ONCE)
    for one in abandoned:
        if stopping.is_set():
            return
        prefix = part_prefix(one.tenant_id, one.asset_id, one.job_id, part=one.part, attempt=one.attempt)
        count = services.store.delete_prefix(prefix)
        with services.pool.connection() as connection:
            record_part_deleted(connection, one.tenant_id, one.job_id, part=one.part, attempt=one.attempt)
        logger.info("outputs_deleted", prefix=prefix, objects=count)
