"""How long the API takes, and how often it fails, for people and for jobs."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.services import Services
from pipeline.metrics.catalog import API_ERRORS, API_SECONDS

# What is not below /api is not counted: pages, playlists and health checks would hide how the API does.
_CALLERS = (("/api/v1/internal/", "jobs"), ("/api/", "people"))


class TimedRequests:
    """Stands outermost, so that what breaks anywhere within is seen."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = _caller(scope)
        if caller is None:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        except Exception:
            status = 500
            raise
        finally:
            took_s = round(time.perf_counter() - began, 6)
            services: Services = scope["app"].state.services
            services.meter.record([API_SECONDS.of(took_s, caller=caller), API_ERRORS.of(status >= 500, caller=caller)])


def _caller(scope: Scope) -> str | None:
    if scope["type"] != "http":
        return None
    return next((caller for prefix, caller in _CALLERS if scope["path"].startswith(prefix)), None)
