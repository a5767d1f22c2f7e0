"""A person's word on a sheet: corrections and confirmations. Both settle the review.

They replace what counts, never the machine's reading beside it, and each is kept word for word. A call names the
version that the person saw: of two who look at once, the second is refused and told so.
"""

from datetime import UTC, datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.auth import Caller
from control_plane.omr.batches import get_batch
from control_plane.omr.calls import AnswersCall, ConfirmCall
from control_plane.omr.correcting import allowed_answers, corrected, looked_at, standing_of_row
from control_plane.services import Services
from pipeline.answer_sheets.template import Template
from pipeline.database.omr_templates import get_template_json
from pipeline.database.submission_edits import SubmissionEdit, insert_edit
from pipeline.database.submissions import Standing, Submission, find_submission, replace_standing
from pipeline.errors import Invalid, NotFound, VersionConflict


def get_sheet(connection: Connection[TupleRow], tenant_id: str, sheet_id: UUID) -> Submission:
    """Raises `NotFound`."""
    submission = find_submission(connection, tenant_id, sheet_id)
    if submission is None:
        raise NotFound("sheet_not_found", f"no sheet {sheet_id}")
    return submission


def correct_sheet(services: Services, caller: Caller, sheet_id: UUID, call: AnswersCall) -> None:
    """Raises `Invalid` for what the template has not, and `VersionConflict`."""
    if not call.answers and call.identifier is None:
        raise Invalid("correction_empty", "name an answer or the identifier, or confirm the sheet")
    at = datetime.now(UTC)
    with services.pool.connection() as connection:
        before = get_sheet(connection, caller.tenant_id, sheet_id)
        template = _template_of(connection, before)
        answers = allowed_answers(template, call.answers)
        after = corrected(standing_of_row(before), template, answers=answers, identifier=call.identifier)
        edit = SubmissionEdit(
            version=call.version + 1,
            action="answers",
            answers=answers,
            identifier=call.identifier,
            note=call.note,
            edited_by=caller.user_id,
            edited_at=at,
        )
        _write(connection, before, looked_at(after, by=caller.user_id, at=at), edit)


def confirm_sheet(services: Services, caller: Caller, sheet_id: UUID, call: ConfirmCall) -> None:
    """What stands there is right; of a refused page, that there is nothing to be read on it."""
    at = datetime.now(UTC)
    with services.pool.connection() as connection:
        before = get_sheet(connection, caller.tenant_id, sheet_id)
        edit = SubmissionEdit(
            version=call.version + 1,
            action="confirm",
            answers={},
            identifier=None,
            note=call.note,
            edited_by=caller.user_id,
            edited_at=at,
        )
        _write(connection, before, looked_at(standing_of_row(before), by=caller.user_id, at=at), edit)


def _template_of(connection: Connection[TupleRow], submission: Submission) -> Template:
    batch = get_batch(connection, submission.tenant_id, submission.batch_id)
    return Template.model_validate(get_template_json(connection, submission.tenant_id, batch.template_id))


def _write(connection: Connection[TupleRow], before: Submission, standing: Standing, edit: SubmissionEdit) -> None:
    """Nothing is locked: it is written where the person saw the version that was read, and it still is that one."""
    seen = edit.version - 1
    if before.version != seen or not replace_standing(
        connection, before.tenant_id, before.id, version=before.version, standing=standing
    ):
        now = get_sheet(connection, before.tenant_id, before.id)
        raise VersionConflict(
            "sheet_has_changed",
            f"sheet {before.id} is at version {now.version}, not {seen}; look at it again",
            current_version=now.version,
        )
    insert_edit(connection, before.tenant_id, before.id, edit=edit)
