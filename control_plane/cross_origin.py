"""Pages of any origin may call the API, as they may put to the store and read streams.

Nothing stands in for the caller but the bearer token that the page itself sends: there are no cookies, and so nothing
that another site's page could misuse.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# What is read from streams has headers of its own: `control_plane.cdn`.
PREFIX = "/api/"
# Browsers keep a preflight's answer for two hours at most.
REMEMBERED_S = 7200


class CrossOrigin:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", "Content-Disposition"],
            max_age=REMEMBERED_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shared = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._shared if shared else self._app)(scope, receive, send)
