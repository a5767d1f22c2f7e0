"""`python -m control_plane.events`: reads Batch's events from BATCH_EVENTS_QUEUE_URL, until SIGTERM or SIGINT.

The API reads them too where that variable is set for it; in AWS it is set for this process only.
"""

import signal
import sys
from threading import Event
from types import FrameType

from pydantic import ValidationError

from control_plane.app import hearing, telling
from control_plane.opening import open_services
from pipeline.errors import AcademyError, Invalid
from pipeline.logs import configure_logs
from pipeline.settings import Settings

EXIT_USAGE = 64


def main() -> int:
    leaving = Event()

    def leave(_number: int, _frame: FrameType | None) -> None:
        leaving.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        settings = Settings()
        configure_logs(settings.log_level)
        if settings.batch_events_queue_url is None:
            raise Invalid("settings_incomplete", "BATCH_EVENTS_QUEUE_URL must be set")
        with open_services(settings) as services:
            for chore in (*hearing(services), *telling(services)):
                services.background.start(chore)
            leaving.wait()
    except (ValidationError, AcademyError, ValueError) as exc:
        sys.stderr.write(f"{exc}\n")
        return EXIT_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
