"""Sheets: what was read, the picture that shows it, the review list, and what a person says."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from control_plane.auth import Caller, Reader, Writer
from control_plane.cursors import encode_place, parse_place
from control_plane.failures import Outdated, of_writers
from control_plane.omr.batches import get_batch
from control_plane.omr.calls import AnswersCall, ConfirmCall
from control_plane.omr.overlay import open_overlay, overlay_key
from control_plane.omr.replies import SheetPage, SheetReply
from control_plane.omr.review import confirm_sheet, correct_sheet, get_sheet
from control_plane.omr.shown import show_sheet, show_sheet_in_full
from control_plane.omr.templates import get_template
from control_plane.services import Services, Wired
from pipeline.contracts.omr import ReviewReason
from pipeline.database.submission_edits import list_edits
from pipeline.database.submission_lists import ReviewFilter, list_to_review

router = APIRouter(prefix="/api/v1/omr", tags=["omr"])


@router.get("/review")
def review(
    services: Wired,
    caller: Reader,
    *,
    exam: Annotated[str | None, Query(max_length=200)] = None,
    batch: UUID | None = None,
    reason: ReviewReason | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> SheetPage:
    """Sheets that a person has to look at, oldest first."""
    place = parse_place(cursor, length=1)
    matching = ReviewFilter(exam_id=exam, batch_id=batch, reason=reason)
    with services.pool.connection() as connection:
        sheets = list_to_review(
            connection,
            caller.tenant_id,
            matching=matching,
            after=place[0] if place is not None else None,
            limit=limit,
        )
    return SheetPage(
        items=tuple(show_sheet(services, sheet) for sheet in sheets),
        next_cursor=encode_place(sheets[-1].number) if len(sheets) == limit else None,
    )


@router.get("/sheets/{sheet_id}")
def get(services: Wired, caller: Reader, sheet_id: UUID) -> SheetReply:
    """What counts, the machine's reading beside it, and what people said."""
    return _show(services, caller, sheet_id)


@router.get(
    "/sheets/{sheet_id}/overlay.png",
    response_class=StreamingResponse,
    responses={200: {"content": {"image/png": {}}, "description": "The page with what was read drawn onto it"}},
)
def overlay(services: Wired, caller: Reader, sheet_id: UUID) -> StreamingResponse:
    """The page with what was read drawn onto it; 404 `overlay_not_found` for a page that has none."""
    with services.pool.connection() as connection:
        sheet = get_sheet(connection, caller.tenant_id, sheet_id)
        key = overlay_key(connection, sheet)
    picture = open_overlay(services, sheet, key)
    headers = {
        "Content-Length": str(picture.total_bytes),
        "ETag": f'"{picture.etag}"',
        # A student's answers: nobody between here and the browser may keep them.
        "Cache-Control": "private, max-age=300",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(picture.chunks, media_type="image/png", headers=headers)


@router.post("/sheets/{sheet_id}/answers", responses=of_writers("`sheet_has_changed`", Outdated))
def answers(services: Wired, caller: Writer, sheet_id: UUID, call: AnswersCall) -> SheetReply:
    """What a person says stands on the sheet; it settles the review. The machine's reading is kept beside it.

    409 `sheet_has_changed` with `current_version` where somebody else came first.
    """
    correct_sheet(services, caller, sheet_id, call)
    return _show(services, caller, sheet_id)


@router.post("/sheets/{sheet_id}/confirm", responses=of_writers("`sheet_has_changed`", Outdated))
def confirm(services: Wired, caller: Writer, sheet_id: UUID, call: ConfirmCall) -> SheetReply:
    """The sheet is right as it stands, or has nothing to be read; it settles the review. 409 as for answers."""
    confirm_sheet(services, caller, sheet_id, call)
    return _show(services, caller, sheet_id)


def _show(services: Services, caller: Caller, sheet_id: UUID) -> SheetReply:
    with services.pool.connection() as connection:
        sheet = get_sheet(connection, caller.tenant_id, sheet_id)
        batch = get_batch(connection, caller.tenant_id, sheet.batch_id)
        template = get_template(connection, caller.tenant_id, batch.template_id)
        edits = list_edits(connection, caller.tenant_id, sheet_id)
    return show_sheet_in_full(services, sheet, template=template, edits=edits)
