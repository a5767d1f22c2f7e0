"""The picture that shows what was read of a sheet: below the prefix of the attempt whose reading is published."""

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.services import Services
from pipeline.database.omr_files import list_files
from pipeline.database.omr_shards import find_shard
from pipeline.database.submissions import Submission
from pipeline.errors import NotFound
from pipeline.storage.keys import readings_prefix
from pipeline.storage.store import ByteRange


def overlay_key(connection: Connection[TupleRow], sheet: Submission) -> str:
    """Its object key; raises `NotFound` for a sheet that has none."""
    path: str | None = sheet.meta["ai_result"].get("overlay")
    file = next(f for f in list_files(connection, sheet.tenant_id, sheet.batch_id) if f.number == sheet.file_number)
    shard = find_shard(connection, sheet.tenant_id, sheet.batch_id, shard=file.shard or 0)
    if path is None or shard is None or shard.published_job_id is None or shard.published_attempt is None:
        raise _no_overlay(sheet)
    return readings_prefix(sheet.tenant_id, sheet.batch_id, shard.published_job_id, shard.published_attempt) + path


def open_overlay(services: Services, sheet: Submission, key: str) -> ByteRange:
    """Raises `NotFound` where the object is gone."""
    body = services.store.open_range(key, range_header=None)
    if body is None:
        raise _no_overlay(sheet)
    return body


def _no_overlay(sheet: Submission) -> NotFound:
    return NotFound("overlay_not_found", f"sheet {sheet.id} has no overlay")
