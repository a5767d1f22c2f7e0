"""Batches: uploading, completing, repeating, listing, progress and export."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from control_plane.auth import Caller, Reader, Writer
from control_plane.cursors import encode_place, next_cursor, parse_cursor, parse_place
from control_plane.failures import WRITERS_ONLY, of_writers
from control_plane.omr.batches import cancel_batch, get_batch, init_batch, list_awaited_files, retry_batch
from control_plane.omr.calls import BatchCall
from control_plane.omr.complete import complete_batch
from control_plane.omr.export import all_sheets, csv_lines, exported_sheet, questions_of
from control_plane.omr.replies import (
    BatchCreated,
    BatchPage,
    BatchProgress,
    BatchReply,
    BatchUploads,
    ExportedBatch,
    SheetPage,
)
from control_plane.omr.shown import show_batch, show_batch_in_full, show_sheet
from control_plane.omr.templates import get_template
from control_plane.omr.uploads import sign_upload
from control_plane.progress.batches import read_batch_progress
from control_plane.services import Services, Wired
from pipeline.database.omr_batches import BatchFilter, list_batches
from pipeline.database.omr_files import list_files
from pipeline.database.omr_shards import list_shards
from pipeline.database.submission_lists import SheetFilter, list_sheets
from pipeline.database.submissions import BatchCounts, count_submissions
from pipeline.database.videos import Cursor
from pipeline.lifecycle.batch_state import BatchStatus
from pipeline.lifecycle.submission_state import SubmissionStatus

router = APIRouter(prefix="/api/v1/omr/batches", tags=["omr"])


@router.post("", status_code=201, responses=WRITERS_ONLY)
def create(services: Wired, caller: Writer, call: BatchCall) -> BatchCreated:
    """A PENDING batch and, under `uploads`, a presigned PUT for each of its files."""
    batch, files = init_batch(services, caller, call)
    return BatchCreated(
        **vars(show_batch_in_full(batch, BatchCounts(), files=files, shards=[])),
        uploads=tuple(sign_upload(services, file) for file in files),
    )


@router.post("/{batch_id}/uploads", responses=of_writers("`batch_is_not_pending`"))
def uploads(services: Wired, caller: Writer, batch_id: UUID) -> BatchUploads:
    """New PUTs for the files of a PENDING batch, where the first have expired; a 412 says that the file is there."""
    files = list_awaited_files(services, caller, batch_id)
    return BatchUploads(uploads=tuple(sign_upload(services, file) for file in files))


@router.post(
    "/{batch_id}/complete",
    responses=of_writers(
        "`source_not_found_or_empty`, `source_invalid:CODE`, `template_picture_missing`: each file in `detail`"
    ),
)
def complete(services: Wired, caller: Writer, batch_id: UUID) -> BatchReply:
    """Check what was put, and start the jobs; again and at the same time as often as you like, with the same jobs."""
    complete_batch(services, caller, batch_id)
    return _show(services, caller, batch_id)


@router.post("/{batch_id}/retry", status_code=202, responses=of_writers("`retry_not_allowed`"))
def retry(services: Wired, caller: Writer, batch_id: UUID) -> BatchReply:
    """New jobs for what a FAILED batch has no result of; where they are live already, those."""
    retry_batch(services, caller, batch_id)
    return _show(services, caller, batch_id)


@router.post("/{batch_id}/cancel", responses=of_writers("`batch_has_no_live_job`"))
def cancel(services: Wired, caller: Writer, batch_id: UUID) -> BatchReply:
    """End the live jobs of a batch; what was read stays. Their processes are told to stop in the background."""
    cancel_batch(services, caller, batch_id)
    return _show(services, caller, batch_id)


@router.get("")
def list_(
    services: Wired,
    caller: Reader,
    *,
    exam: Annotated[str | None, Query(max_length=200)] = None,
    status: BatchStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> BatchPage:
    """Batches of the caller's tenant, newest first."""
    matching = BatchFilter(exam_id=exam, status=status)
    with services.pool.connection() as connection:
        batches = list_batches(connection, caller.tenant_id, matching=matching, after=parse_cursor(cursor), limit=limit)
        counts = count_submissions(connection, caller.tenant_id, [batch.id for batch in batches])
    places = [Cursor(batch.created_at, batch.id) for batch in batches]
    return BatchPage(
        items=tuple(show_batch(batch, counts.get(batch.id, BatchCounts())) for batch in batches),
        next_cursor=next_cursor(places, limit=limit),
    )


@router.get("/{batch_id}")
def get(services: Wired, caller: Reader, batch_id: UUID) -> BatchReply:
    """A batch with its files, its jobs, and how many sheets are done, ok, to be reviewed, refused."""
    return _show(services, caller, batch_id)


@router.get("/{batch_id}/progress")
async def progress(services: Wired, caller: Reader, batch_id: UUID) -> BatchProgress:
    """How far the work is. Warm, it costs two reads of Redis and no SQL."""
    return BatchProgress.model_validate(await read_batch_progress(services, caller.tenant_id, batch_id))


@router.get("/{batch_id}/sheets")
def sheets(
    services: Wired,
    caller: Reader,
    batch_id: UUID,
    *,
    status: SubmissionStatus | None = None,
    review: Literal["required", "settled"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> SheetPage:
    """In the order of files and pages; `settled` sheets are those that a person has corrected or confirmed."""
    place = parse_place(cursor, length=2)
    with services.pool.connection() as connection:
        get_batch(connection, caller.tenant_id, batch_id)
        found = list_sheets(
            connection,
            caller.tenant_id,
            batch_id,
            matching=SheetFilter(status=status, review=review),
            after=(place[0], place[1]) if place is not None else None,
            limit=limit,
        )
    is_full = len(found) == limit
    return SheetPage(
        items=tuple(show_sheet(services, sheet) for sheet in found),
        next_cursor=encode_place(found[-1].file_number, found[-1].page) if is_full else None,
    )


@router.get("/{batch_id}/export.csv", response_class=StreamingResponse)
def export_csv(services: Wired, caller: Reader, batch_id: UUID) -> StreamingResponse:
    """What counts of every sheet, with a column for each question; for Excel, in UTF-8 with a byte order mark."""
    with services.pool.connection() as connection:
        batch = get_batch(connection, caller.tenant_id, batch_id)
        template = get_template(connection, caller.tenant_id, batch.template_id)
    return StreamingResponse(
        csv_lines(template, all_sheets(services, batch)),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="answers-{batch.id}.csv"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.get("/{batch_id}/export.json")
def export_json(services: Wired, caller: Reader, batch_id: UUID) -> ExportedBatch:
    """What counts of every sheet."""
    with services.pool.connection() as connection:
        batch = get_batch(connection, caller.tenant_id, batch_id)
        template = get_template(connection, caller.tenant_id, batch.template_id)
        counts = count_submissions(connection, caller.tenant_id, [batch_id])
    exported: list[dict[str, Any]] = [exported_sheet(sheet) for sheet in all_sheets(services, batch)]
    return ExportedBatch(
        batch=show_batch(batch, counts.get(batch_id, BatchCounts())),
        questions=tuple(questions_of(template)),
        sheets=tuple(exported),
    )


def _show(services: Services, caller: Caller, batch_id: UUID) -> BatchReply:
    with services.pool.connection() as connection:
        batch = get_batch(connection, caller.tenant_id, batch_id)
        counts = count_submissions(connection, caller.tenant_id, [batch_id])
        files = list_files(connection, caller.tenant_id, batch_id)
        shards = list_shards(connection, caller.tenant_id, batch_id)
    return show_batch_in_full(batch, counts.get(batch_id, BatchCounts()), files=files, shards=shards)
