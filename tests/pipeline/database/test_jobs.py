"""Jobs under many hands at once."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from pipeline.database.job_attempts import (
    Ending,
    end_attempt,
    insert_attempt,
    list_abandoned_outputs,
    list_attempts,
    record_outputs_deleted,
)
from pipeline.database.job_dispatch import record_dispatch_failure, record_handle
from pipeline.database.jobs import Job, NewJob, end_job_failed, find_job, insert_job
from pipeline.database.jobs_of_all_tenants import list_live_jobs, lock_next_to_dispatch
from pipeline.database.videos import Video, insert_video
from tests.pipeline.database.conftest import TENANT, new_video

Connection = psycopg.Connection[TupleRow]


def add_job(connection: Connection, asset_id: UUID) -> Job:
    return insert_job(connection, NewJob(uuid4(), TENANT, "transcode", asset_id, {}, "kim"))


def test_of_64_inserts_at_once_one_is_the_live_job(connection: Connection, video: Video, emptied_postgres_url: str):
    def insert(_: int) -> bool:
        try:
            with connections.connection() as own:
                add_job(own, video.id)
        except psycopg.errors.UniqueViolation:
            return False
        return True

    with ConnectionPool(emptied_postgres_url, min_size=8) as connections, ThreadPoolExecutor(64) as pool:
        inserted = list(pool.map(insert, range(64)))
    assert inserted.count(True) == 1


def test_an_ended_job_makes_room_for_the_next(connection: Connection, video: Video):
    first = add_job(connection, video.id)
    end_job_failed(connection, first, attempt=1, reason="CORRUPT", detail="")
    assert add_job(connection, video.id).id != first.id


def test_an_ended_job_cannot_be_moved_by_whoever_missed_its_end(connection: Connection, video: Video):
    job = add_job(connection, video.id)
    end_job_failed(connection, job, attempt=1, reason="CORRUPT", detail="")
    with pytest.raises(AssertionError, match="without holding its row"):
        record_handle(connection, job, handle="h")


def test_two_dispatchers_never_hold_the_same_job(connection: Connection, emptied_postgres_url: str):
    ids = {add_job(connection, insert_video(connection, new_video()).id).id for _ in range(2)}
    with psycopg.connect(emptied_postgres_url, connect_timeout=5) as one, psycopg.connect(emptied_postgres_url) as two:
        taken = {job.id for c in (one, two) if (job := lock_next_to_dispatch(c)) is not None}
        assert taken == ids
        with psycopg.connect(emptied_postgres_url) as three:
            assert lock_next_to_dispatch(three) is None


def test_a_job_that_was_not_taken_waits_out_its_back_off(connection: Connection, video: Video):
    job = add_job(connection, video.id)
    later = record_dispatch_failure(connection, job, wait_s=60, detail="executor_unavailable")
    assert later.dispatch_tries == 1
    assert lock_next_to_dispatch(connection) is None
    record_dispatch_failure(connection, later, wait_s=-1, detail="executor_unavailable")
    assert lock_next_to_dispatch(connection) is not None


def test_the_sweep_walks_over_all_live_jobs_with_a_handle(connection: Connection):
    jobs = [add_job(connection, insert_video(connection, new_video()).id) for _ in range(5)]
    for job in jobs[:4]:
        record_handle(connection, job, handle=f"h-{job.id}")
    found: list[UUID] = []
    while page := list_live_jobs(connection, after=found[-1] if found else None, limit=2):
        found += [job.id for job in page]
    assert found == sorted(job.id for job in jobs[:4])


def test_a_job_is_not_found_under_another_tenant(connection: Connection, video: Video):
    job = add_job(connection, video.id)
    assert find_job(connection, "hagwon-2", job.id) is None


def test_the_first_word_about_an_attempts_end_stays(connection: Connection, video: Video):
    job = add_job(connection, video.id)
    insert_attempt(connection, TENANT, job.id, attempt=1)
    insert_attempt(connection, TENANT, job.id, attempt=1)
    end_attempt(connection, TENANT, job.id, attempt=1, ending=Ending("retry", "TERMINATED"))
    end_attempt(connection, TENANT, job.id, attempt=1, ending=Ending("failed", "CORRUPT"))
    (attempt,) = list_attempts(connection, TENANT, job.id)
    assert (attempt.ending, attempt.reason) == ("retry", "TERMINATED")


def test_only_outputs_that_nobody_plays_are_abandoned_and_only_once(connection: Connection, video: Video):
    job = add_job(connection, video.id)
    for number in (1, 2):
        insert_attempt(connection, TENANT, job.id, attempt=number)
    end_attempt(connection, TENANT, job.id, attempt=1, ending=Ending("retry"))

    def abandoned(grace_s: float = -1.0) -> list[int]:
        return [row.attempt for row in list_abandoned_outputs(connection, grace_s=grace_s, limit=10)]

    assert abandoned() == [], "a live job keeps everything"
    end_attempt(connection, TENANT, job.id, attempt=2, ending=Ending("succeeded"))
    connection.execute("UPDATE jobs SET state = 'succeeded', attempt = 2, outcome = '{}', ended_at = now()")
    connection.execute("UPDATE videos SET published_job_id = %s", [job.id])
    assert abandoned() == [1]
    assert abandoned(grace_s=3600) == [], "not while somebody may still read them"
    connection.execute("UPDATE videos SET published_job_id = %s", [uuid4()])
    assert abandoned() == [1, 2]
    record_outputs_deleted(connection, TENANT, job.id, attempt=1)
    assert abandoned() == [2]
