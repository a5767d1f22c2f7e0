"""Around every request: its identifier, its access log line, and the answer to an error that nobody expected.

This is the one process boundary of the API, where any exception is caught: it is logged with its traceback, and the
caller is told a request id and nothing of our insides.
"""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.failures import failure_response
from pipeline.logs import get_logger

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Asked again and again, by load balancers and by every open page; worth a line only when they fail.
_POLLED = ("/healthz", "/readyz", "/progress")

logger = get_logger("control_plane.access")


class RequestIds:
    """Takes a caller's X-Request-ID where it is sane, makes one otherwise, and echoes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _SANE.fullmatch(given) else uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            logger.exception("request_failed", method=scope["method"], path=scope["path"])
            if status is not None:
                raise
            await failure_response(error)(scope, receive, send_with_id)
        finally:
            if status != 200 or not scope["path"].endswith(_POLLED):
                logger.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    milliseconds=round((time.perf_counter() - started) * 1000, 1),
                )
