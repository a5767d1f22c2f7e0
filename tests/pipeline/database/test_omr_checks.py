"""The database itself refuses nonsense about answer sheets, and batches move only along their table."""

from itertools import product
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from pipeline.database.jobs import NewJob, insert_job
from pipeline.database.omr_batch_moves import advance_batch
from pipeline.database.omr_batches import NewBatch, OmrBatch, find_batch, insert_batch
from pipeline.database.omr_files import OmrFile, insert_files
from pipeline.database.omr_templates import NewTemplate, insert_template
from pipeline.database.submissions import NewSubmission, Standing, insert_submissions
from pipeline.lifecycle.batch_state import MOVES, BatchStatus
from pipeline.storage.keys import batch_file_key
from tests.fixtures.moves import moves_of_batch
from tests.pipeline.database.conftest import TENANT

Connection = psycopg.Connection[TupleRow]
META: dict[str, Any] = {
    "ai_result": {},
    "omr": {},
    "manual_review": {"required": True, "reasons": [], "updated_at": "2026-03-02T09:00:00Z"},
}

ALLOWED_MOVES = {
    ("PENDING", "UPLOADED"),
    ("UPLOADED", "PROCESSING"),
    ("UPLOADED", "READY"),
    ("UPLOADED", "FAILED"),
    ("PROCESSING", "READY"),
    ("PROCESSING", "FAILED"),
    ("READY", "READY"),
    ("FAILED", "UPLOADED"),
}

BAD_BATCHES = {
    "an unknown status": "status = 'DONE'",
    "FAILED without a reason": "status = 'FAILED'",
    "READY with a reason": "status = 'READY', error_reason = 'X'",
    "an unknown engine": "engine = 'magic'",
    "an exam without a name": "exam_id = ''",
}
BAD_FILES = {
    "a key outside of the batch's own prefix": "key = 'tenants/other/x'",
    "a pin without a shard": "etag = 'e'",
    "no bytes": "declared_bytes = 0",
}
BAD_SUBMISSIONS = {
    "an unknown status": "status = 'DONE'",
    "FAILED without a reason": "status = 'FAILED'",
    "read, with a reason": "error_reason = 'X'",
    "page nought": "page = 0",
    "a review by nobody": "reviewed_at = now()",
    "a review that is still required": "reviewed_at = now(), reviewed_by = 'kim'",
    "a correction that nobody made": "corrected = '{q1}'",
    "no machine's result": "meta = meta - 'ai_result'",
    "no word on its review": "meta = meta #- '{manual_review,required}'",
    "answers that are a list": "answers = '[]'",
}


@pytest.fixture
def batch(connection: Connection) -> OmrBatch:
    template = NewTemplate(uuid4(), TENANT, "Weekly test", "1", {}, [], "kim")
    insert_template(connection, template)
    return insert_batch(
        connection,
        NewBatch(uuid4(), TENANT, "midterm", None, template.id, engine="auto", overlays=True, created_by="kim"),
    )


@pytest.fixture
def submission(connection: Connection, batch: OmrBatch) -> UUID:
    key = batch_file_key(TENANT, batch.id, 1, ".jpg")
    insert_files(connection, TENANT, batch.id, files=[OmrFile(1, "a.jpg", "image/jpeg", 10, key)])
    standing = Standing("ANSWERS_READY", None, {"q1": []}, None, [], None, None, META)
    new = NewSubmission(uuid4(), TENANT, batch.id, "midterm", 1, 1, standing)
    insert_submissions(connection, [new])
    return new.id


@pytest.mark.parametrize("change", BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_a_batch_cannot_have(connection: Connection, batch: OmrBatch, change: str):
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(SQL("UPDATE omr_batches SET {}").format(SQL(change)))


@pytest.mark.parametrize("change", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_cannot_have(connection: Connection, submission: UUID, change: str):
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(SQL("UPDATE omr_files SET {}").format(SQL(change)))


@pytest.mark.parametrize("change", BAD_SUBMISSIONS.values(), ids=BAD_SUBMISSIONS)
def test_a_submission_cannot_have(connection: Connection, submission: UUID, change: str):
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.NotNullViolation)):
        connection.execute(SQL("UPDATE submissions SET {}").format(SQL(change)))


def test_a_page_is_one_submission(connection: Connection, batch: OmrBatch, submission: UUID):
    standing = Standing("ANSWERS_READY", None, {}, None, [], None, None, META)
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert_submissions(connection, [NewSubmission(uuid4(), TENANT, batch.id, "midterm", 1, 1, standing)])


def test_nothing_of_a_batch_belongs_to_another_tenant(connection: Connection, batch: OmrBatch, submission: UUID):
    for statement in (
        "UPDATE submissions SET tenant_id = 'hagwon-2'",
        "UPDATE omr_batches SET tenant_id = 'hagwon-2'",
        """
        INSERT INTO submission_edits (tenant_id, submission_id, version, action, answers, note, edited_by)
        SELECT 'hagwon-2', id, 2, 'confirm', '{}', '', 'kim' FROM submissions
        """,
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute(statement)


def test_each_shard_of_a_batch_has_one_live_job(connection: Connection, batch: OmrBatch):
    for shard in (0, 1):
        insert_job(connection, NewJob(uuid4(), TENANT, "omr", batch.id, {}, "kim", shard))
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert_job(connection, NewJob(uuid4(), TENANT, "omr", batch.id, {}, "kim", 1))


@pytest.mark.parametrize(("before", "after"), list(product(BatchStatus, BatchStatus)))
def test_a_batch_makes_exactly_the_moves_of_its_table(
    connection: Connection, batch: OmrBatch, before: BatchStatus, after: BatchStatus
):
    assert (after in MOVES[before]) == ((before, after) in ALLOWED_MOVES)
    reason = "DISK_FULL" if before is BatchStatus.FAILED else None
    connection.execute("UPDATE omr_batches SET status = %s, error_reason = %s", [before.value, reason])
    told = "CORRUPT" if after is BatchStatus.FAILED else None
    moved = advance_batch(connection, TENANT, batch.id, after, actor="kim", reason=told)
    now = find_batch(connection, TENANT, batch.id)
    assert now is not None
    moves = [(move.from_status, move.to_status) for move in moves_of_batch(connection, batch.id)[1:]]
    if (before, after) in ALLOWED_MOVES:
        assert (now, now.status, now.error_reason, now.version) == (moved, after, told, 2)
        assert moves == [(before, after)]
    else:
        assert (moved, now.status, now.version, moves) == (None, before, 1, [])
