"""The one table that says which HTTP status an error is answered with, and the one shape of such an answer.

{"reason": machine-readable code, "detail": a sentence with the offending value, "request_id": …}

A refusal of a version that is no longer current also has "current_version".
"""

from collections.abc import Mapping
from types import MappingProxyType

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

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
    """Each wrong field with what is wrong about it; not its value, which may be a secret or a megabyte."""
    places = ((".".join(str(part) for part in item["loc"]), item["msg"]) for item in error.errors())
    return "; ".join(f"{place}: {message}" for place, message in places)[:2000]


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
