"""A connection to a migrated database, and rows to begin with."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import TupleRow

from pipeline.database.videos import NewVideo, Video, insert_video
from pipeline.storage.keys import source_key
from tests.fixtures.emptied import emptied_postgres_url, shared_postgres_url

TENANT = "hagwon-1"

__all__ = ["TENANT", "connection", "emptied_postgres_url", "new_video", "shared_postgres_url", "video"]


@pytest.fixture
def connection(emptied_postgres_url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    with psycopg.connect(emptied_postgres_url, autocommit=True, connect_timeout=5) as connection:
        yield connection


def new_video(**fields: object) -> NewVideo:
    video_id = fields.pop("id", None) or uuid4()
    assert isinstance(video_id, UUID)
    values: dict[str, object] = {
        "id": video_id,
        "tenant_id": TENANT,
        "session_id": "lesson-1",
        "title": "Vectors",
        "filename": "vectors.mp4",
        "content_type": "video/mp4",
        "allow_skip": True,
        "max_speed": 2.0,
        "show_watermark": False,
        "loudness_lufs": None,
        "created_by": "kim",
        "source_key": source_key(TENANT, video_id, 1, ".mp4"),
        "declared_bytes": 100,
        "multipart_id": None,
        **fields,
    }
    return NewVideo(**values)  # type: ignore[arg-type]


@pytest.fixture
def video(connection: psycopg.Connection[TupleRow]) -> Video:
    return insert_video(connection, new_video())
