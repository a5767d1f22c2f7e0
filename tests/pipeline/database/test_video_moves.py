"""A video moves only as the table of moves says, and every move leaves its history."""

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import TupleRow

from pipeline.database.video_moves import (
    Publication,
    advance_to_failed,
    advance_to_processing,
    advance_to_ready,
    advance_to_uploaded,
    advance_to_uploaded_again,
)
from pipeline.database.videos import NewUpload, Video, find_video, record_refusal, replace_upload
from pipeline.lifecycle.video_state import VideoStatus, may_move
from tests.fixtures.moves import moves_of_video
from tests.fixtures.waiting import wait_for
from tests.pipeline.database.conftest import TENANT

Connection = psycopg.Connection[TupleRow]
JOB = uuid4()


def publication(video_id: UUID) -> Publication:
    return Publication(JOB, f"tenants/{TENANT}/videos/{video_id}/hls/{JOB}-1/master.m3u8", None, 60.0, [])


def uploaded(c: Connection, v: UUID, *, upload_number: int = 1) -> Video | None:
    return advance_to_uploaded(
        c, TENANT, v, job_id=JOB, actor="kim", upload_number=upload_number, etag="e", size_bytes=100, source_s=60
    )


MOVES: dict[str, tuple[VideoStatus, Callable[[Connection, UUID], Video | None]]] = {
    "uploaded": (VideoStatus.UPLOADED, uploaded),
    "uploaded again": (
        VideoStatus.UPLOADED,
        lambda c, v: advance_to_uploaded_again(c, TENANT, v, job_id=JOB, actor="kim"),
    ),
    "processing": (VideoStatus.PROCESSING, lambda c, v: advance_to_processing(c, TENANT, v, job_id=JOB, actor="kim")),
    "ready": (
        VideoStatus.READY,
        lambda c, v: advance_to_ready(c, TENANT, v, publication=publication(v), actor="kim"),
    ),
    "failed": (
        VideoStatus.FAILED,
        lambda c, v: advance_to_failed(c, TENANT, v, job_id=JOB, reason="CORRUPT", actor="kim"),
    ),
}
# Both lead to UPLOADED; each is for one of its two sources.
SOURCE_OF = {"uploaded": VideoStatus.PENDING, "uploaded again": VideoStatus.FAILED}


def put_into(connection: Connection, video_id: UUID, status: VideoStatus) -> None:
    stream = f"tenants/{TENANT}/videos/{video_id}/hls/{JOB}-1/master.m3u8"
    ready = status is VideoStatus.READY
    connection.execute(
        "UPDATE videos SET status = %s, source_etag = 'e', source_bytes = 100, error_reason = %s,"
        " published_job_id = %s, hls_path = %s, duration_s = %s",
        [
            status.value,
            "CORRUPT" if status is VideoStatus.FAILED else None,
            JOB if ready else None,
            stream if ready else None,
            60.0 if ready else None,
        ],
    )


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("before", list(VideoStatus))
def test_each_move_is_allowed_from_its_sources_only(
    connection: Connection, video: Video, before: VideoStatus, move: str
):
    after, advance = MOVES[move]
    put_into(connection, video.id, before)
    moved = advance(connection, video.id)
    row = find_video(connection, TENANT, video.id)
    assert row is not None
    if may_move(before, after) and SOURCE_OF.get(move, before) is before:
        assert moved == row
        assert row.status == after
        assert row.version == video.version + 1
        last = moves_of_video(connection, video.id)[-1]
        assert (last.from_status, last.to_status, last.job_id, last.actor) == (before, after, JOB, "kim")
    else:
        assert moved is None
        assert (row.status, row.version) == (before, video.version)
        assert len(moves_of_video(connection, video.id)) == 1


def test_no_move_touches_another_tenants_video(connection: Connection, video: Video):
    stranger = advance_to_uploaded(
        connection,
        "hagwon-2",
        video.id,
        job_id=JOB,
        actor="lee",
        upload_number=1,
        etag="e",
        size_bytes=100,
        source_s=60,
    )
    assert stranger is None
    assert find_video(connection, "hagwon-2", video.id) is None
    row = find_video(connection, TENANT, video.id)
    assert row is not None
    assert row.status == "PENDING"


def test_a_move_sees_what_another_transaction_did_while_it_waited(
    connection: Connection, video: Video, emptied_postgres_url: str
):
    put_into(connection, video.id, VideoStatus.FAILED)
    moved: list[Video | None] = []

    def advance() -> None:
        with psycopg.connect(emptied_postgres_url, autocommit=True, connect_timeout=5) as other:
            moved.append(advance_to_processing(other, TENANT, video.id, job_id=JOB, actor="kim"))

    thread = threading.Thread(target=advance)
    with connection.transaction():
        assert advance_to_uploaded_again(connection, TENANT, video.id, job_id=JOB, actor="kim") is not None
        thread.start()
        wait_until_somebody_waits(emptied_postgres_url)
    thread.join(10)
    assert [v.status for v in moved if v is not None] == ["PROCESSING"]


def wait_until_somebody_waits(url: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as watcher:
        wait_for(
            lambda: watcher.execute("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted").fetchone() == (True,),
            "the other transaction waits",
        )


def test_a_newer_upload_stops_the_older_ones_completion(connection: Connection, video: Video):
    newer = NewUpload(2, "b.mp4", "video/mp4", video.source_key.replace("/1.", "/2."), 200, None)
    assert replace_upload(connection, TENANT, video.id, upload=newer) is not None
    assert uploaded(connection, video.id, upload_number=1) is None
    assert record_refusal(connection, TENANT, video.id, upload_number=1, reason="source_invalid:CORRUPT") is None
    assert uploaded(connection, video.id, upload_number=2) is not None
    third = NewUpload(3, "c.mp4", "video/mp4", video.source_key.replace("/1.", "/3."), 200, None)
    assert replace_upload(connection, TENANT, video.id, upload=third) is None
