"""What a job has read becomes submissions, in the transaction that ends the job."""

from datetime import UTC, datetime
from uuid import uuid4

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.omr.mapping import changes_of
from pipeline.contracts.omr import OmrOutcome
from pipeline.database.jobs import Job
from pipeline.database.omr_batches import OmrBatch
from pipeline.database.omr_files import list_files_of_shard
from pipeline.database.submissions import (
    NewSubmission,
    delete_submissions,
    insert_submissions,
    lock_submissions,
    replace_standings,
)
from pipeline.errors import Invalid

LONGEST_IDENTIFIER = 200


def check_outcome(connection: Connection[TupleRow], job: Job, outcome: OmrOutcome) -> None:
    """Raises `Invalid` for what cannot become submissions: a page of another file, or one that is told of twice."""
    names = {file.name for file in list_files_of_shard(connection, job.tenant_id, job.asset_id, shard=job.shard)}
    seen = set()
    for sheet in outcome.sheets:
        if sheet.file not in names:
            raise Invalid("outcome_invalid", f"{sheet.file[:300]!r} is no file of job {job.id}")
        if (sheet.file, sheet.page) in seen:
            raise Invalid("outcome_invalid", f"page {sheet.page} of {sheet.file!r} is told of twice")
        seen.add((sheet.file, sheet.page))
        if sheet.identifier is not None and len(sheet.identifier.value or "") > LONGEST_IDENTIFIER:
            raise Invalid("outcome_invalid", f"an identifier of {len(sheet.identifier.value or '')} characters")


def publish_readings(connection: Connection[TupleRow], batch: OmrBatch, job: Job, outcome: OmrOutcome) -> None:
    """Apply what was read; the caller holds the batch. A result that was applied before changes no row."""
    files = list_files_of_shard(connection, batch.tenant_id, batch.id, shard=job.shard)
    file_numbers = {file.name: file.number for file in files}
    # Reviewers take no row but the submission's own, so that they and this wait for each other in one order.
    before = lock_submissions(connection, batch.tenant_id, batch.id, file_numbers=list(file_numbers.values()))
    changes = changes_of(outcome.sheets, before, file_numbers=file_numbers, at=datetime.now(UTC))
    if changes.gone:
        delete_submissions(connection, batch.tenant_id, changes.gone)
    replace_standings(connection, batch.tenant_id, changes.replaced)
    insert_submissions(
        connection,
        [
            NewSubmission(
                id=uuid4(),
                tenant_id=batch.tenant_id,
                batch_id=batch.id,
                exam_id=batch.exam_id,
                file_number=file_number,
                page=page,
                standing=standing,
            )
            for (file_number, page), standing in changes.new
        ],
    )
