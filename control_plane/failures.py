"""The one table that says which HTTP status an error is answered with, and the one shape of such an answer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from control_plane.replies import Reply
from pipeline.errors import (
    AcademyError,
    Conflict,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    TransientError,
    Unavailable,
    VersionConflict,
)
from pipeline.logs import get_logger, redact_text

logger = get_logger(__name__)

# The first class that an error is an instance of decides. What is not here is answered 500, without its text.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (NotAuthenticated, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 422),
    (RequestValidationError, 422),
    (Unavailable, 503),
    (TransientError, 503),
    # Also no free connection in time, and a statement that ran into its timeout.
    (psycopg.OperationalError, 503),
    # A value that Postgres cannot store, such as a NUL in a text.
    (psycopg.DataError, 422),
)

_HTTP_REASONS = {404: "not_found", 405: "method_not_allowed"}


# A value that is told to be wrong is shown as far as this, in characters.
SHOWN_CHARACTERS = 100


class Failure(Reply):
    """Every answer that is not 2xx, whatever the call."""

    reason: str
    """A code for programs; it keeps its meaning."""
    detail: str
    """A sentence with the offending value, for those who look into it; its words may change."""
    request_id: str | None
    """Also in the header X-Request-ID: the server's log lines carry it."""


class Outdated(Failure):
    """A refusal of a version that is no longer current."""

    current_version: int | None = None


def _documented(status: int, said: str, model: type[Failure] = Failure) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": model, "description": said}}


# What the calls of users may be answered with, for the documentation.
OF_READERS = {
    **_documented(401, "`token_missing`, `token_expired`, `token_signature_invalid`, `token_claim_invalid`, …"),
    **_documented(404, "`video_not_found`, `job_not_found`, …: none of this tenant's"),
    **_documented(422, "`request_invalid` with each wrong field in `detail`, or a code for one value"),
    **_documented(503, "`database_unavailable`, `storage_unavailable`, …: try again after `Retry-After` seconds"),
}


# And those of jobs, which have a token of their own.
OF_JOBS = {
    **_documented(401, "`token_missing`, `token_expired`, `job_token_invalid`"),
    **_documented(403, "`token_is_of_another_job`"),
    **_documented(404, "`job_not_found`, `part_not_found`"),
    **_documented(409, "`attempt_is_stale`, `job_has_ended`, …: stop, and report nothing"),
    **_documented(422, "`request_invalid`, `outcome_invalid`, `outputs_missing`"),
    **_documented(503, "`database_unavailable`, `storage_unavailable`: try again"),
}
WRITERS_ONLY = _documented(403, "`role_may_only_read`")


def of_writers(said: str, model: type[Failure] = Failure) -> dict[int | str, dict[str, Any]]:
    """The same of a call that changes something; `said` names the reasons of its 409."""
    return {**WRITERS_ONLY, **_documented(409, said, model)}


def status_of(error: Exception) -> int:
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def failure_response(error: Exception) -> JSONResponse:
    """The answer to a request that ended in `error`."""
    status = status_of(error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = "2"
        logger.warning("unavailable", error=str(error))
    reason, detail = _reason_and_detail(error)
    more = {"current_version": error.current_version} if isinstance(error, VersionConflict) else {}
    return _response(status, reason, detail, headers=headers, more=more)


def _reason_and_detail(error: Exception) -> tuple[str, str]:
    match error:
        case AcademyError():
            return error.reason, redact_text(error.detail)
        case RequestValidationError():
            return "request_invalid", _validation_detail(error)
        case psycopg.OperationalError():
            return "database_unavailable", ""
        case psycopg.DataError():
            return "request_invalid", "a value cannot be stored"
        case _:
            return "internal_error", "an unexpected error; its log lines carry this request_id"


def _validation_detail(error: RequestValidationError) -> str:
    """Each wrong field with its value, where that is no list or object, and what is wrong about it."""
    told = (
        f"{'.'.join(str(part) for part in item['loc'])}: {_shown(item.get('input'))}{item['msg']}"
        for item in error.errors()
    )
    return "; ".join(told)[:2000]


def _shown(value: object) -> str:
    """Its beginning, without what looks like a secret: whoever sent it may have mixed up two fields."""
    match value:
        case str() | bool() | int() | float():
            return f"{redact_text(repr(value))[:SHOWN_CHARACTERS]}: "
        case _:
            return ""


def _response(
    status: int,
    reason: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    more: Mapping[str, int] = MappingProxyType({}),
) -> JSONResponse:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    body = {"reason": reason, "detail": detail, "request_id": request_id, **more}
    return JSONResponse(body, status_code=status, headers=headers)


def install_failures(app: FastAPI) -> None:
    """Answer every error of the table; what is not in it reaches `control_plane.request_ids`."""

    def answer(_request: Request, error: Exception) -> JSONResponse:
        return failure_response(error)

    def answer_http(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        reason = _HTTP_REASONS.get(error.status_code, f"http_{error.status_code}")
        return _response(error.status_code, reason, str(error.detail), headers=dict(error.headers or {}))

    for kind, _status in STATUSES:
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(HTTPException, answer_http)
