"""The moves of a video's status, and the table `video_moves`, their history.

A move is one guarded statement: it locks the row, checks the old status against `pipeline.lifecycle.video_state.MOVES`,
writes the history and bumps `version`. It returns None where the row's status does not allow it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from pipeline.database.videos import COLUMNS as VIDEO_COLUMNS
from pipeline.database.videos import Video
from pipeline.lifecycle.video_state import VideoStatus, sources_of


@dataclass(frozen=True)
class Publication:
    """What READY points at. Paths are object keys."""

    job_id: UUID
    hls_path: str
    thumbnail_path: str | None
    duration_s: float
    renditions: list[dict[str, Any]]
    storyboard_path: str | None = None


def advance_to_uploaded(
    connection: Connection[TupleRow],
    tenant_id: str,
    video_id: UUID,
    *,
    job_id: UUID,
    actor: str,
    upload_number: int,
    etag: str,
    size_bytes: int,
    source_s: float,
) -> Video | None:
    """PENDING → UPLOADED, with the source pinned; a newer upload than the one that was checked stops it."""
    return _advance(
        connection,
        VideoStatus.UPLOADED,
        sources=(VideoStatus.PENDING,),
        guard=SQL("AND v.upload_number = %(upload_number)s"),
        changes=SQL(
            "source_etag = %(etag)s, source_bytes = %(size_bytes)s, source_s = %(source_s)s, error_reason = NULL"
        ),
        values={
            "tenant_id": tenant_id,
            "id": video_id,
            "job_id": job_id,
            "actor": actor,
            "reason": None,
            "upload_number": upload_number,
            "etag": etag,
            "size_bytes": size_bytes,
            "source_s": source_s,
        },
    )


def advance_to_uploaded_again(
    connection: Connection[TupleRow], tenant_id: str, video_id: UUID, *, job_id: UUID, actor: str
) -> Video | None:
    """FAILED → UPLOADED, for another job on the pinned source."""
    return _advance(
        connection,
        VideoStatus.UPLOADED,
        sources=(VideoStatus.FAILED,),
        guard=SQL(""),
        changes=SQL("error_reason = NULL"),
        values={"tenant_id": tenant_id, "id": video_id, "job_id": job_id, "actor": actor, "reason": None},
    )


def advance_to_processing(
    connection: Connection[TupleRow], tenant_id: str, video_id: UUID, *, job_id: UUID, actor: str
) -> Video | None:
    return _advance(
        connection,
        VideoStatus.PROCESSING,
        sources=sources_of(VideoStatus.PROCESSING),
        guard=SQL(""),
        changes=SQL("error_reason = NULL"),
        values={"tenant_id": tenant_id, "id": video_id, "job_id": job_id, "actor": actor, "reason": None},
    )


def advance_to_ready(
    connection: Connection[TupleRow], tenant_id: str, video_id: UUID, *, publication: Publication, actor: str
) -> Video | None:
    return _advance(
        connection,
        VideoStatus.READY,
        sources=sources_of(VideoStatus.READY),
        guard=SQL(""),
        changes=SQL(
            "published_job_id = %(job_id)s, hls_path = %(hls_path)s, thumbnail_path = %(thumbnail_path)s,"
            " storyboard_path = %(storyboard_path)s, duration_s = %(duration_s)s, renditions = %(renditions)s,"
            " error_reason = NULL"
        ),
        values={
            "tenant_id": tenant_id,
            "id": video_id,
            "actor": actor,
            "reason": None,
            **vars(publication),
            "renditions": Jsonb(publication.renditions),
        },
    )


def advance_to_failed(
    connection: Connection[TupleRow], tenant_id: str, video_id: UUID, *, job_id: UUID, reason: str, actor: str
) -> Video | None:
    return _advance(
        connection,
        VideoStatus.FAILED,
        sources=sources_of(VideoStatus.FAILED),
        guard=SQL(""),
        changes=SQL("error_reason = %(reason)s"),
        values={"tenant_id": tenant_id, "id": video_id, "job_id": job_id, "actor": actor, "reason": reason},
    )


# `before` locks the row and sees its newest status even after waiting for another transaction; `v` alone would not.
_MOVE = SQL(
    "WITH before AS ("
    "   SELECT tenant_id, id, status FROM videos WHERE tenant_id = %(tenant_id)s AND id = %(id)s FOR UPDATE"
    "), moved AS ("
    "   UPDATE videos v SET status = %(to)s, version = v.version + 1, updated_at = now(), {changes}"
    "   FROM before WHERE v.tenant_id = before.tenant_id AND v.id = before.id"
    "   AND before.status = ANY(%(sources)s) {guard}"
    "   RETURNING v.*, before.status AS from_status"
    "), history AS ("
    "   INSERT INTO video_moves (tenant_id, video_id, from_status, to_status, reason, job_id, actor)"
    "   SELECT tenant_id, id, from_status, status, %(reason)s, %(job_id)s, %(actor)s FROM moved"
    ") SELECT {columns} FROM moved"
)


def _advance(
    connection: Connection[TupleRow],
    to: VideoStatus,
    *,
    sources: tuple[VideoStatus, ...],
    guard: SQL,
    changes: SQL,
    values: Mapping[str, object],
) -> Video | None:
    query = _MOVE.format(changes=changes, guard=guard, columns=VIDEO_COLUMNS)
    with connection.cursor(row_factory=class_row(Video)) as cursor:
        return cursor.execute(query, {**values, "to": to.value, "sources": [s.value for s in sources]}).fetchone()
