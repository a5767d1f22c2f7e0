"""`python -m control_plane`: the API, the loops beside it and the executor, on HOST:PORT, until SIGTERM or SIGINT."""

import signal
import sys
from types import FrameType

import uvicorn
from pydantic import ValidationError

from control_plane.app import create_app
from control_plane.opening import open_services
from pipeline.errors import AcademyError
from pipeline.logs import configure_logs
from pipeline.settings import Settings

EXIT_USAGE = 64
# A request may wait for a probe.
DRAIN_S = 25


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> int:
    # While it serves, uvicorn has handlers of its own, which drain; after that it raises the signal again, for these.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        settings = Settings()
        configure_logs(settings.log_level)
        app = create_app(settings, open_services=open_services)
    except (ValidationError, AcademyError) as exc:
        sys.stderr.write(f"{exc}\n")
        return EXIT_USAGE
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        # Our own lines, which carry the request's id, take the place of uvicorn's.
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=DRAIN_S,
        # The default of 5 s is shorter than a load balancer's, which then writes into a closed connection.
        timeout_keep_alive=75,
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
