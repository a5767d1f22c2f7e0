"""The table `videos`. A video's status is moved by `pipeline.database.video_moves` alone."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL, Identifier

from pipeline.database.columns import columns_of
from pipeline.identifiers import ids_that_start


@dataclass(frozen=True)
class Video:
    """A row of `videos`; the migration says what each column means."""

    id: UUID
    tenant_id: str
    session_id: str | None
    title: str
    filename: str
    content_type: str
    allow_skip: bool
    max_speed: float
    show_watermark: bool
    loudness_lufs: float | None
    created_by: str
    status: str
    error_reason: str | None
    upload_number: int
    source_key: str
    declared_bytes: int
    multipart_id: str | None
    source_etag: str | None
    source_bytes: int | None
    source_s: float | None
    published_job_id: UUID | None
    hls_path: str | None
    thumbnail_path: str | None
    storyboard_path: str | None
    duration_s: float | None
    renditions: list[dict[str, Any]] | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class NewVideo:
    """What `upload/init` says of a video."""

    id: UUID
    tenant_id: str
    session_id: str | None
    title: str
    filename: str
    content_type: str
    allow_skip: bool
    max_speed: float
    show_watermark: bool
    loudness_lufs: float | None
    created_by: str
    source_key: str
    declared_bytes: int
    multipart_id: str | None


@dataclass(frozen=True)
class NewUpload:
    """A newer upload for a PENDING row: `upload_number` is one more than the row's."""

    upload_number: int
    filename: str
    content_type: str
    source_key: str
    declared_bytes: int
    multipart_id: str | None


@dataclass(frozen=True)
class VideoFilter:
    """`title` is searched for anywhere in the title, without regard to case; `id_start` as of a job."""

    id_start: str | None = None
    session_id: str | None = None
    status: str | None = None
    title: str | None = None


@dataclass(frozen=True)
class Cursor:
    """The last row of a page: the next one begins behind it."""

    created_at: datetime
    id: UUID


COLUMNS = columns_of(Video)
_NEW_COLUMNS = tuple(field.name for field in fields(NewVideo))


def find_video(connection: Connection[TupleRow], tenant_id: str, video_id: UUID) -> Video | None:
    query = SQL("SELECT {} FROM videos WHERE tenant_id = %s AND id = %s").format(COLUMNS)
    with connection.cursor(row_factory=class_row(Video)) as cursor:
        return cursor.execute(query, [tenant_id, video_id]).fetchone()


def find_video_statuses(
    connection: Connection[TupleRow], tenant_id: str, video_ids: Collection[UUID]
) -> dict[UUID, str]:
    """Of those of these videos that there are."""
    query = "SELECT id, status FROM videos WHERE tenant_id = %s AND id = ANY(%s)"
    return dict(connection.execute(query, [tenant_id, list(video_ids)]).fetchall())


def lock_video(connection: Connection[TupleRow], tenant_id: str, video_id: UUID) -> Video | None:
    """The row, held until the transaction ends. Whoever inserts a job for a video holds its row first."""
    query = SQL("SELECT {} FROM videos WHERE tenant_id = %s AND id = %s FOR UPDATE").format(COLUMNS)
    with connection.cursor(row_factory=class_row(Video)) as cursor:
        return cursor.execute(query, [tenant_id, video_id]).fetchone()


def list_videos(
    connection: Connection[TupleRow], tenant_id: str, *, matching: VideoFilter, after: Cursor | None, limit: int
) -> list[Video]:
    """A tenant's videos, newest first."""
    conditions = [SQL("tenant_id = %(tenant_id)s")]
    if matching.id_start is not None:
        conditions.append(SQL("id BETWEEN %(first_id)s AND %(last_id)s"))
    if matching.session_id is not None:
        conditions.append(SQL("session_id = %(session_id)s"))
    if matching.status is not None:
        conditions.append(SQL("status = %(status)s"))
    if matching.title is not None:
        conditions.append(SQL("title ILIKE %(title)s"))
    if after is not None:
        conditions.append(SQL("(created_at, id) < (%(created_at)s, %(id)s)"))
    query = SQL("SELECT {} FROM videos WHERE {} ORDER BY created_at DESC, id DESC LIMIT %(limit)s").format(
        COLUMNS, SQL(" AND ").join(conditions)
    )
    first_id, last_id = ids_that_start(matching.id_start or "")
    values = {
        "tenant_id": tenant_id,
        "first_id": first_id,
        "last_id": last_id,
        "session_id": matching.session_id,
        "status": matching.status,
        "title": f"%{_escape_like(matching.title or '')}%",
        "created_at": after.created_at if after else None,
        "id": after.id if after else None,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Video)) as cursor:
        return cursor.execute(query, values).fetchall()


def list_changed_videos(connection: Connection[TupleRow], *, within_s: float, limit: int) -> list[Video]:
    """Of all tenants: what changed lately, newest first; for the cache, once at start."""
    query = SQL(
        "SELECT {} FROM videos WHERE updated_at > now() - make_interval(secs => %s) ORDER BY updated_at DESC LIMIT %s"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(Video)) as cursor:
        return cursor.execute(query, [within_s, limit]).fetchall()


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def insert_video(connection: Connection[TupleRow], new: NewVideo) -> Video:
    """The PENDING row of a signed upload, with the first entry of its history."""
    query = SQL(
        "WITH inserted AS (INSERT INTO videos ({names}) VALUES ({values}) RETURNING *),"
        " history AS (INSERT INTO video_moves (tenant_id, video_id, from_status, to_status, actor)"
        "             SELECT tenant_id, id, NULL, status, created_by FROM inserted)"
        " SELECT {columns} FROM inserted"
    ).format(
        names=SQL(", ").join(map(Identifier, _NEW_COLUMNS)),
        values=SQL(", ").join(SQL("%s") for _ in _NEW_COLUMNS),
        columns=COLUMNS,
    )
    with connection.cursor(row_factory=class_row(Video)) as cursor:
        video = cursor.execute(query, [getattr(new, name) for name in _NEW_COLUMNS]).fetchone()
    assert video is not None
    return video


def replace_upload(
    connection: Connection[TupleRow], tenant_id: str, video_id: UUID, *, upload: NewUpload
) -> Video | None:
    """Point a PENDING row at a newer upload; None where it is not PENDING or another one came first."""
    query = SQL(
        "UPDATE videos SET upload_number = %(upload_number)s, filename = %(filename)s,"
        " content_type = %(content_type)s, source_key = %(source_key)s, declared_bytes = %(declared_bytes)s,"
        " multipart_id = %(multipart_id)s, error_reason = NULL, version = version + 1, updated_at = now()"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND status = 'PENDING'"
        " AND upload_number = %(upload_number)s - 1 RETURNING {}"
    ).format(COLUMNS)
    values = {"tenant_id": tenant_id, "id": video_id, **vars(upload)}
    with connection.cursor(row_factory=class_row(Video)) as cursor:
        return cursor.execute(query, values).fetchone()


def record_refusal(
    connection: Connection[TupleRow], tenant_id: str, video_id: UUID, *, upload_number: int, reason: str
) -> Video | None:
    """Keep on a PENDING row why this upload was refused; None where the row has moved on or has a newer upload."""
    query = SQL(
        "UPDATE videos SET error_reason = %s, version = version + 1, updated_at = now()"
        " WHERE tenant_id = %s AND id = %s AND status = 'PENDING' AND upload_number = %s RETURNING {}"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(Video)) as cursor:
        return cursor.execute(query, [reason, tenant_id, video_id, upload_number]).fetchone()
