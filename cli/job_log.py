"""The log of a job's attempt: printed as it is, or followed until the job ends."""

import math
import sys
import time
from typing import Final

from cli.api import Api
from cli.rows import Log
from pipeline.errors import NotFound
from pipeline.lifecycle.job_state import FINAL, JobState

FOLLOW_EVERY_S: Final = 1.0
MOST_LINES: Final = 5000
# A job says that it has ended before its machine has sent the last lines: Docker's driver for CloudWatch sends every
# 5 s, and they are shown a little later. Those of a stack of this machine are there at once.
LATE_S: Final = 10.0


def follow(api: Api, job_id: str, *, attempt: int | None, part: int | None, tail: int) -> None:
    """Print new lines until the job has ended. Where no attempt was named, the next one is followed when it begins."""
    shown: Log | None = None
    ends_at = math.inf
    while True:
        # Asked for before the log, so that the last lines of a job that ends in between are not missed.
        if ends_at == math.inf and JobState(api.job(job_id)["state"]) in FINAL:
            ends_at = time.monotonic() + (LATE_S if api.connection.remote else 0.0)
        is_last = time.monotonic() >= ends_at
        log = _log_if_any(api, job_id, attempt=attempt, part=part, must_be=is_last and shown is None)
        if log is not None:
            if shown is None:
                write(log["lines"][-tail:])
            elif shown["attempt"] == log["attempt"]:
                write(_new_lines(shown["lines"], log["lines"]))
            else:
                write(log["lines"])
            shown = log
        if is_last:
            return
        time.sleep(FOLLOW_EVERY_S)


def write(lines: list[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _log_if_any(api: Api, job_id: str, *, attempt: int | None, part: int | None, must_be: bool) -> Log | None:
    """None for an attempt that has not begun; `must_be` raises `NotFound` for it instead."""
    try:
        return api.job_log(job_id, attempt=attempt, part=part, tail=MOST_LINES)
    except NotFound:
        if must_be:
            raise
        return None


def _new_lines(before: list[str], after: list[str]) -> list[str]:
    """What `after` has beyond `before`; both are the newest lines of one growing log."""
    if after[: len(before)] == before:
        return after[len(before) :]
    for start in range(1, len(before)):
        kept = before[start:]
        if after[: len(kept)] == kept:
            return after[len(kept) :]
    return after
