"""The job's side of the internal calls: start, uploads, finish, fail."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Event
from typing import Any, Self, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from pipeline.contracts.envelope import (
    CallReply,
    FailCall,
    FinishCall,
    OutputFile,
    SignedPut,
    StartCall,
    StartReply,
    StepTime,
    UploadsCall,
    UploadsReply,
    Usage,
)
from pipeline.errors import FencedError, JobError, PermanentError, TransientError
from pipeline.execution.job_environment import JobEnvironment
from pipeline.execution.job_failure import detail_of, reason_of
from pipeline.reasons import Reason
from pipeline.retrying import CALL, retrying

ReplyT = TypeVar("ReplyT", bound=BaseModel)

CONNECT_TIMEOUT_S = 5.0
# `finish` waits for a look at the store and one transaction. Below the 20 s within which SIGTERM must end a job.
READ_TIMEOUT_S = 15.0
LAST_READ_TIMEOUT_S = 6.0

_TRY_AGAIN = frozenset({408, 425, 429})
_NOT_OURS_ANY_MORE = frozenset({404, 409, 410})


class Refused(PermanentError):
    """The control plane heard the call and said no: asking again changes nothing."""


class Unreachable(TransientError):
    """The control plane gave no usable answer in all the time there was."""


class ControlPlaneClient:
    """Calls the control plane as one attempt of one job, or at one part of it.

    Raises `FencedError` when this attempt is not the newest one of a live job, `Refused` for any other no, and
    `Unreachable` when no answer comes within the environment's patience. Once `hurry` is set, a call that fails
    is not repeated.
    """

    def __init__(self, environment: JobEnvironment, *, hurry: Event) -> None:
        self._base_url = f"{environment.control_plane_url.rstrip('/')}/api/v1/internal/jobs/{environment.job_id}"
        if environment.part is not None:
            self._base_url += f"/parts/{environment.part}"
        self._attempt = environment.attempt
        self._handle = environment.handle
        self._patience = replace(CALL, total_s=environment.patience_s)
        self._hurry = hurry
        self._session = requests.Session()
        token = environment.token.get_secret_value()

        def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        # As `auth` and not as a header: otherwise a ~/.netrc entry for the host would replace it.
        self._session.auth = bearer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._session.close()

    def start(self) -> StartReply:
        return self._call("start", StartCall(attempt=self._attempt, handle=self._handle), StartReply)

    def sign(self, files: Sequence[OutputFile]) -> tuple[SignedPut, ...]:
        """A presigned PUT for each of at most 500 files, in the same order."""
        call = UploadsCall(attempt=self._attempt, handle=self._handle, files=tuple(files))
        signed = self._call("uploads", call, UploadsReply).files
        if [put.path for put in signed] != [file.path for file in files]:
            raise TransientError(Reason.INTERNAL_ERROR, f"asked to sign {len(files)} files, got other ones")
        return signed

    def finish(self, outcome: dict[str, Any], *, usage: Usage | None = None) -> str:
        """Hand in the outcome; returns the job's state after the call."""
        call = FinishCall(attempt=self._attempt, handle=self._handle, outcome=outcome, usage=usage)
        return self._call("finish", call, CallReply).state

    def fail(self, failure: JobError, steps: Sequence[StepTime], *, usage: Usage | None = None) -> str:
        """Tell why this attempt ends; returns the job's state after the call."""
        call = FailCall(
            attempt=self._attempt,
            handle=self._handle,
            reason=reason_of(failure),
            detail=detail_of(failure),
            permanent=isinstance(failure, PermanentError),
            steps=tuple(step.model_dump() for step in steps),
            usage=usage,
        )
        return self._call("fail", call, CallReply).state

    def _call(self, name: str, body: BaseModel, reply_type: type[ReplyT]) -> ReplyT:
        again = retrying(self._patience, on=Unreachable, until=self._hurry)
        reply: ReplyT = again(self._call_once, name, body, reply_type)
        return reply

    def _call_once(self, name: str, body: BaseModel, reply_type: type[ReplyT]) -> ReplyT:
        read_timeout_s = LAST_READ_TIMEOUT_S if self._hurry.is_set() else READ_TIMEOUT_S
        try:
            response = self._session.post(
                f"{self._base_url}/{name}",
                data=body.model_dump_json().encode(),
                headers={"Content-Type": "application/json"},
                timeout=(CONNECT_TIMEOUT_S, read_timeout_s),
                allow_redirects=False,
            )
        except requests.RequestException as exc:
            raise Unreachable(Reason.CONTROL_PLANE_UNAVAILABLE, f"{name}: {exc}") from exc
        status = response.status_code
        said = f"{name}: HTTP {status} {response.text[:300]}"
        if status in _NOT_OURS_ANY_MORE:
            raise FencedError(Reason.CANCELLED, said)
        if status >= 500 or status in _TRY_AGAIN:
            raise Unreachable(Reason.CONTROL_PLANE_UNAVAILABLE, said)
        if status != 200:
            raise Refused(Reason.INTERNAL_ERROR, said)
        try:
            return reply_type.model_validate_json(response.content)
        except ValidationError as exc:
            # The reply holds signed URLs: only where it is wrong may be quoted.
            places = [".".join(map(str, error["loc"])) for error in exc.errors(include_input=False)]
            raise Refused(
                Reason.INTERNAL_ERROR, f"{name}: the reply is not a {reply_type.__name__}: {places}"
            ) from None
