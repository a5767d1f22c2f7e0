"""Remove outputs that nobody uses: of attempts that failed or went stale, and what was replaced by a newer job.

Only attempts' own prefixes are ever deleted, never a source.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event

from psycopg import Connection
from psycopg.rows import TupleRow

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
    """Look at every prefix once. What breaks over one is raised when the others have had their turn."""
    errors: list[Exception] = []
    for asset in ASSETS.values():
        errors += _delete_each(services, stopping, listing=_outputs_of(services, asset))
    errors += _delete_each(services, stopping, listing=_parts(services))
    if errors:
        raise errors[0]


@dataclass(frozen=True)
class _Abandoned:
    """A prefix that nobody uses; `record` is called, with a connection, when all below it is gone."""

    prefix: str
    record: Callable[[Connection[TupleRow]], None]


Listing = Callable[[Connection[TupleRow], int], Sequence[_Abandoned]]
"""The prefixes that have waited longest, at most so many."""


def _outputs_of(services: Services, asset: Asset) -> Listing:
    def listing(connection: Connection[TupleRow], limit: int) -> list[_Abandoned]:
        found = asset.list_abandoned(connection, grace_s=services.settings.outputs_grace_s, limit=limit)
        return [
            _Abandoned(
                asset.attempt_prefix(one.tenant_id, one.asset_id, job_id=one.job_id, attempt=one.attempt),
                partial(record_outputs_deleted, tenant_id=one.tenant_id, job_id=one.job_id, attempt=one.attempt),
            )
            for one in found
        ]

    return listing


def _parts(services: Services) -> Listing:
    """What an array's children have left for a job that has ended, whichever way."""

    def listing(connection: Connection[TupleRow], limit: int) -> list[_Abandoned]:
        found = list_abandoned_parts(connection, grace_s=services.settings.outputs_grace_s, limit=limit)
        return [
            _Abandoned(
                part_prefix(one.tenant_id, one.asset_id, one.job_id, part=one.part, attempt=one.attempt),
                partial(
                    record_part_deleted,
                    tenant_id=one.tenant_id,
                    job_id=one.job_id,
                    part=one.part,
                    attempt=one.attempt,
                ),
            )
            for one in found
        ]

    return listing


def _delete_each(services: Services, stopping: Event, *, listing: Listing) -> Iterator[Exception]:
    """Delete first and record it afterwards: what stops in between is deleted again, which does nothing.

    Yields what broke: a prefix that the store does not delete stays for the next round, and keeps no other one.
    """
    broken: set[str] = set()
    while not stopping.is_set():
        with services.pool.connection() as connection:
            # Those that broke in this round are still the first of the list.
            listed = listing(connection, AT_ONCE + len(broken))
        due = [one for one in listed if one.prefix not in broken]
        for one in due:
            if stopping.is_set():
                return
            try:
                count = services.store.delete_prefix(one.prefix)
                with services.pool.connection() as connection:
                    one.record(connection)
            except Exception as exc:  # noqa: BLE001  # the boundary of one prefix; the loop logs what is raised in the end
                logger.warning("outputs_not_deleted", prefix=one.prefix, error=repr(exc))
                broken.add(one.prefix)
                yield exc
            else:
                logger.info("outputs_deleted", prefix=one.prefix, objects=count)
        if len(due) < AT_ONCE:
            return
