"""The hot reads go by an index, also in a table that has grown."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from pipeline.contracts.envelope import JobKind
from pipeline.database import (
    array_jobs,
    job_attempts,
    job_counts,
    job_parts,
    jobs,
    jobs_of_all_tenants,
    omr_batches,
    submission_lists,
    submissions,
    videos,
    waiting_jobs,
)
from pipeline.database.jobs import JobFilter
from pipeline.database.omr_batches import BatchFilter
from pipeline.database.submission_lists import ReviewFilter, SheetFilter
from pipeline.database.videos import Cursor, VideoFilter
from pipeline.lifecycle.job_state import JobState

Connection = psycopg.Connection[TupleRow]
PAGE = Cursor(datetime(2026, 1, 1, tzinfo=UTC), uuid4())

READS: dict[str, tuple[str, Callable[[Connection], Any]]] = {
    "a video": ("videos_", lambda c: videos.find_video(c, "t5", uuid4())),
    "whether videos play": ("videos_", lambda c: videos.find_video_statuses(c, "t5", [uuid4(), uuid4()])),
    "a tenant's videos": (
        "videos_newest",
        lambda c: videos.list_videos(c, "t5", matching=VideoFilter(), after=PAGE, limit=50),
    ),
    "a session's videos": (
        "videos_of_session",
        lambda c: videos.list_videos(c, "t5", matching=VideoFilter(session_id="s7"), after=None, limit=50),
    ),
    "videos of a status": (
        "videos_of_status",
        lambda c: videos.list_videos(c, "t5", matching=VideoFilter(status="PENDING"), after=None, limit=50),
    ),
    "a job": ("jobs_", lambda c: jobs.find_job(c, "t5", uuid4())),
    "a tenant's jobs": ("jobs_newest", lambda c: jobs.list_jobs(c, "t5", matching=JobFilter(), after=PAGE, limit=50)),
    "jobs that wait": ("jobs_waiting", lambda c: waiting_jobs.list_waiting_jobs(c, "t5", after=PAGE, limit=50)),
    "jobs that failed lately": (
        "jobs_failed",
        lambda c: jobs.list_jobs(
            c,
            "t5",
            matching=JobFilter(state="failed", reason="WORKER_KILLED", ended_since=PAGE.created_at, newest=True),
            after=None,
            limit=200,
        ),
    ),
    "the live job": ("jobs_one_live", lambda c: jobs.find_live_job(c, "t5", uuid4(), kind="transcode")),
    "the newest job": ("jobs_of_asset", lambda c: jobs.find_newest_job(c, "t5", uuid4())),
    "the dispatcher": ("jobs_to_dispatch", jobs_of_all_tenants.lock_next_to_dispatch),
    "the sweep": ("jobs_live", lambda c: jobs_of_all_tenants.list_live_jobs(c, after=None, limit=100)),
    "terminations": (
        "jobs_to_terminate",
        lambda c: jobs_of_all_tenants.list_jobs_to_terminate(c, after=None, limit=100),
    ),
    "events": ("jobs_array_handle", lambda c: jobs_of_all_tenants.find_jobs_by_handles(c, ["h1", "h2"])),
    "a child's job": ("jobs_of_array", lambda c: array_jobs.find_job_of_child(c, "t5", uuid4(), array_index=3)),
    "a child's handle": ("jobs_of_array", lambda c: array_jobs.find_handle_of_child(c, "t5", uuid4())),
    "a part": ("job_parts_pkey", lambda c: job_parts.find_newest_of_part(c, "t5", uuid4(), part=3)),
    "parts": ("job_parts_pkey", lambda c: job_parts.list_part_attempts(c, "t5", uuid4())),
    "parts that nobody needs": (
        "job_parts_with_outputs",
        lambda c: job_parts.list_abandoned_parts(c, grace_s=60, limit=50),
    ),
    "the gauges": (
        "jobs_one_live",
        lambda c: job_counts.count_live_jobs(c, {(JobKind.TRANSCODE, JobState.RUNNING): 1.0}),
    ),
    "untold cancels": ("jobs_to_terminate", lambda c: job_counts.count_untold_cancels(c, older_than_s=60)),
    "a batch": ("omr_batches_", lambda c: omr_batches.find_batch(c, "t5", uuid4())),
    "whether batches are read": ("omr_batches_", lambda c: omr_batches.find_batch_statuses(c, "t5", [uuid4()])),
    "a tenant's batches": (
        "omr_batches_newest",
        lambda c: omr_batches.list_batches(c, "t5", matching=BatchFilter(), after=PAGE, limit=50),
    ),
    "an exam's batches": (
        "omr_batches_of_exam",
        lambda c: omr_batches.list_batches(c, "t5", matching=BatchFilter(exam_id="e7"), after=None, limit=50),
    ),
    "a sheet": ("submissions_", lambda c: submissions.find_submission(c, "t5", uuid4())),
    "a batch's sheets": (
        "submissions_tenant_id_batch_id",
        lambda c: submission_lists.list_sheets(c, "t5", uuid4(), matching=SheetFilter(), after=(1, 1), limit=50),
    ),
    "a batch's counts": (
        "submissions_tenant_id_batch_id",
        lambda c: submissions.count_submissions(c, "t5", [uuid4()]),
    ),
    "the review list": (
        "submissions_to_review",
        lambda c: submission_lists.list_to_review(c, "t5", matching=ReviewFilter(), after=1, limit=50),
    ),
    "attempts": ("job_attempts_pkey", lambda c: job_attempts.list_attempts(c, "t5", uuid4())),
    "exit codes": (
        "job_attempts_without_exit_code",
        lambda c: job_attempts.list_attempts_without_exit_code(c, limit=100),
    ),
}

FILL = """
INSERT INTO videos (id, tenant_id, session_id, title, filename, content_type, created_by, source_key, declared_bytes,
                    status, source_etag, source_bytes, created_at)
SELECT id, tenant, 's' || n % 50, 'a title', 'a.mp4', 'video/mp4', 'kim',
       'tenants/' || tenant || '/videos/' || id || '/source/1.mp4', 1,
       CASE WHEN n % 40 = 0 THEN 'PENDING' ELSE 'PROCESSING' END, 'e', 1, now() - n * interval '1 minute'
FROM (SELECT n, gen_random_uuid() AS id, 't' || n % 10 AS tenant FROM generate_series(1, 6000) n) rows;
INSERT INTO jobs (id, tenant_id, kind, asset_id, spec, created_by, state, outcome, ended_at, handle, created_at)
SELECT gen_random_uuid(), tenant_id, 'transcode', id, '{}', 'kim', 'succeeded', '{}', created_at, 'h' || id, created_at
FROM videos;
INSERT INTO job_attempts (tenant_id, job_id, attempt, started_at, ended_at, ending, exit_code)
SELECT tenant_id, id, 1, created_at, ended_at, 'succeeded', 0 FROM jobs;
INSERT INTO job_parts (tenant_id, job_id, part, attempt, outputs_deleted_at)
SELECT tenant_id, id, n, 1, now() FROM (SELECT * FROM jobs LIMIT 300) few, generate_series(0, 9) n;
INSERT INTO omr_templates (id, tenant_id, name, template_version, template, outputs, created_by)
SELECT gen_random_uuid(), 't' || n, 'Weekly test', '1', '{}', '[]', 'kim' FROM generate_series(0, 9) n;
INSERT INTO omr_batches (id, tenant_id, exam_id, template_id, engine, overlays, created_by, created_at)
SELECT gen_random_uuid(), t.tenant_id, 'e' || n % 50, t.id, 'auto', true, 'kim', now() - n * interval '1 minute'
FROM omr_templates t, generate_series(1, 200) n;
INSERT INTO omr_files (tenant_id, batch_id, number, name, content_type, declared_bytes, key)
SELECT tenant_id, id, 1, 'a.pdf', 'application/pdf', 1,
       'tenants/' || tenant_id || '/omr/batches/' || id || '/source/1.pdf'
FROM omr_batches;
INSERT INTO submissions (id, tenant_id, batch_id, exam_id, file_number, page, status, answers, meta)
SELECT gen_random_uuid(), tenant_id, id, exam_id, 1, n, 'ANSWERS_READY', '{}',
       jsonb_build_object('ai_result', '{}'::jsonb, 'omr', '{}'::jsonb,
                          'manual_review', jsonb_build_object('required', n = 1, 'reasons', '[]'::jsonb))
FROM omr_batches, generate_series(1, 5) n;
ANALYZE;
"""


class ExplainingCursor(psycopg.Cursor[Any]):
    """Keeps the plan of each statement before it runs it."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> Self:
        explained = f"EXPLAIN {query}" if isinstance(query, str) else SQL("EXPLAIN ") + query
        super().execute(explained, params)
        plans.append("\n".join(str(line) for line in self._plain_rows()))
        return super().execute(query, params, **more)

    def _plain_rows(self) -> list[str]:
        assert self.pgresult is not None
        return [(self.pgresult.get_value(row, 0) or b"").decode() for row in range(self.pgresult.ntuples)]


plans: list[str] = []


def test_every_hot_read_uses_its_index(connection: Connection, emptied_postgres_url: str):
    connection.execute(FILL)
    wrong = {}
    with psycopg.connect(emptied_postgres_url, cursor_factory=ExplainingCursor, connect_timeout=5) as explaining:
        for name, (index, read) in READS.items():
            plans.clear()
            read(explaining)
            (plan,) = plans
            if index not in plan or "Seq Scan" in plan:
                wrong[name] = plan
    assert not wrong, "\n\n".join(f"{name}:\n{plan}" for name, plan in wrong.items())
