"""How long we ask again: tenacity policies that end, by attempts and by total seconds, with jittered pauses between."""

import time
from dataclasses import dataclass
from threading import Event

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay, wait_random_exponential
from tenacity.stop import stop_base, stop_when_event_set


@dataclass(frozen=True)
class Patience:
    """`total_s` bounds the pauses and the calls made so far; a call under way has its own timeout."""

    attempts: int
    total_s: float
    first_pause_s: float = 0.25
    longest_pause_s: float = 5.0


# A control plane that is being replaced is back within a minute.
CALL = Patience(attempts=40, total_s=60.0)
# One stored file. S3 asks clients to back off when it answers 503 Slow Down; a minute outlasts its scaling up.
UPLOAD = Patience(attempts=12, total_s=90.0)
# Reading on after a broken connection; starts anew whenever bytes have come.
DOWNLOAD = Patience(attempts=8, total_s=60.0)


def retrying(patience: Patience, *, on: type[Exception], until: Event | None = None) -> Retrying:
    """Call again on errors of the class `on`, which is raised in the end. `until` ends pauses and retries at once."""
    stop: stop_base = stop_after_attempt(patience.attempts) | stop_before_delay(patience.total_s)
    if until is not None:
        stop |= stop_when_event_set(until)

    def pause(seconds: float) -> None:
        if until is None:
            time.sleep(seconds)
        else:
            until.wait(seconds)

    return Retrying(
        retry=retry_if_exception_type(on),
        wait=wait_random_exponential(multiplier=patience.first_pause_s, max=patience.longest_pause_s),
        stop=stop,
        sleep=pause,
        reraise=True,
    )
