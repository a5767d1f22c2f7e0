"""The database itself refuses nonsense, whatever the code above it does."""

from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from pipeline.database.jobs import NewJob, insert_job
from pipeline.database.videos import Video

PINNED = "source_etag = 'e', source_bytes = 100"

BAD_VIDEOS = {
    "an unknown status": "status = 'DONE'",
    "a tenant that may not stand in a key": "tenant_id = 'a/b'",
    "an empty title": "title = ''",
    "a speed of nine": "max_speed = 9",
    "a source of no bytes": "declared_bytes = 0",
    "a source outside of the video's own prefix": "source_key = 'tenants/other/x'",
    "UPLOADED without a pinned source": "status = 'UPLOADED'",
    "FAILED without a reason": f"status = 'FAILED', {PINNED}",
    "READY without a stream": f"status = 'READY', {PINNED}",
    "READY with an error": (
        f"status = 'READY', {PINNED}, published_job_id = id, duration_s = 1, error_reason = 'X',"
        " hls_path = 'tenants/hagwon-1/videos/' || id || '/hls/x'"
    ),
    "a stream of another video": "hls_path = 'tenants/hagwon-1/videos/other/hls/x'",
    "a duration of nothing": "duration_s = 0",
    "upload number nought": "upload_number = 0",
    "a sound above full scale": "loudness_lufs = 3",
}

BAD_JOBS = {
    "an unknown state": "state = 'waiting'",
    "an unknown kind": "kind = 'bake'",
    "a negative attempt": "attempt = -1",
    "more errors than tries": "dispatch_errors = 1",
    "an end while it runs": "ended_at = now()",
    "failed without an end": "state = 'failed', reason = 'X_Y_Z'",
    "failed without a reason": "state = 'failed', ended_at = now()",
    "succeeded without an outcome": "state = 'succeeded', ended_at = now()",
    "a reason in prose": "reason = 'it broke'",
}


@pytest.mark.parametrize("change", BAD_VIDEOS.values(), ids=BAD_VIDEOS)
def test_a_video_cannot_have(connection: psycopg.Connection[TupleRow], video: Video, change: str):
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(SQL("UPDATE videos SET {}").format(SQL(change)))


@pytest.mark.parametrize("change", BAD_JOBS.values(), ids=BAD_JOBS)
def test_a_job_cannot_have(connection: psycopg.Connection[TupleRow], video: Video, change: str):
    insert_job(connection, NewJob(uuid4(), video.tenant_id, "transcode", video.id, {}, "kim"))
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(SQL("UPDATE jobs SET {}").format(SQL(change)))


@pytest.mark.parametrize("values", ["0, NULL, NULL", "1, now(), NULL", "1, NULL, 'retry'", "1, now(), 'bored'"])
def test_an_attempt_cannot_be_half_ended(connection: psycopg.Connection[TupleRow], video: Video, values: str):
    job = insert_job(connection, NewJob(uuid4(), video.tenant_id, "transcode", video.id, {}, "kim"))
    query = SQL("INSERT INTO job_attempts (tenant_id, job_id, attempt, ended_at, ending) VALUES (%s, %s, {})")
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(query.format(SQL(values)), [video.tenant_id, job.id])


def test_an_attempt_cannot_belong_to_another_tenants_job(connection: psycopg.Connection[TupleRow], video: Video):
    job = insert_job(connection, NewJob(uuid4(), video.tenant_id, "transcode", video.id, {}, "kim"))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("INSERT INTO job_attempts (tenant_id, job_id, attempt) VALUES ('hagwon-2', %s, 1)", [job.id])
