"""A job's progress in Redis: written by the job, as a user that may touch progress keys only.

The value is JSON: job_id, attempt, started_at, percent, remaining_seconds (or null), step_index, step_total,
step_name, step_percent, updated_at (times in epoch seconds). `pipeline.progress.answer` reads it.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from threading import Condition, Thread
from typing import Any

from pydantic import SecretStr

from pipeline.progress.connection import TIMEOUT_S, BestEffort, connect
from pipeline.progress.keys import IN_PROGRESS_TTL_S
from pipeline.progress.news import ProgressNews, ProgressSink
from pipeline.progress.parts_sum import PartOf, PartsSum
from pipeline.progress.scripts import load_script

# Four writes a second look smooth to a person and are nothing to Redis.
WRITE_EVERY_S = 0.25
# The last news is worth this long a wait at the end.
FLUSH_S = 2 * TIMEOUT_S


class NoBoard:
    """For a job that was given no Redis."""

    def show(self, _news: ProgressNews) -> None:
        """Nobody looks."""


@contextmanager
def open_board(
    redis_url: SecretStr | None, keys: Sequence[str], *, job_id: str, attempt: int, place: PartOf | None = None
) -> Iterator[ProgressSink]:
    """A sink that writes to all of `keys`; the newest news is flushed at the end, as far as Redis is there.

    With a `place`, that of a child in its array, what is written is what all children have done.
    """
    if redis_url is None or not keys:
        yield NoBoard()
        return
    board = ProgressBoard(redis_url, keys, job_id=job_id, attempt=attempt, place=place)
    try:
        yield board
    finally:
        board.close()


class ProgressBoard:
    """Writes the newest news from a thread of its own, so that a slow or dead Redis never holds up the job."""

    def __init__(
        self, redis_url: SecretStr, keys: Sequence[str], *, job_id: str, attempt: int, place: PartOf | None = None
    ) -> None:
        self._redis_url = redis_url
        self._place = place
        self._keys = tuple(keys)
        self._about: dict[str, Any] = {"job_id": job_id, "attempt": attempt, "started_at": round(time.time(), 3)}
        self._best_effort = BestEffort()
        self._newest: ProgressNews | None = None
        self._closing = False
        self._change = Condition()
        self._thread = Thread(target=self._write_on, name="progress", daemon=True)
        self._thread.start()

    def show(self, news: ProgressNews) -> None:
        with self._change:
            self._newest = news
            self._change.notify()

    def close(self) -> None:
        """Write what is left, if that can be done at once. Does not raise, and takes `FLUSH_S` at most."""
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join(FLUSH_S)

    def _write_on(self) -> None:
        with closing(connect(self._redis_url, connections=1)) as client:
            advance = client.register_script(load_script("advance_progress"))
            parts = PartsSum(client, self._place) if self._place is not None else None
            while (news := self._next()) is not None:
                if not self._best_effort.is_resting:
                    with self._best_effort:
                        value = self._value(parts.whole(news) if parts is not None else news)
                        for key in self._keys:
                            advance(keys=[key], args=[value, IN_PROGRESS_TTL_S])
                with self._change:
                    self._change.wait_for(lambda: self._closing, timeout=WRITE_EVERY_S)

    def _next(self) -> ProgressNews | None:
        """Wait for news; None once there is none left and the board is closing."""
        with self._change:
            self._change.wait_for(lambda: self._newest is not None or self._closing)
            news, self._newest = self._newest, None
            return news

    def _value(self, news: ProgressNews) -> str:
        return json.dumps(
            {
                **self._about,
                "percent": round(news.percent, 2),
                "remaining_seconds": None if news.remaining_s is None else round(news.remaining_s),
                "step_index": news.step.index,
                "step_total": news.step_total,
                "step_name": news.step.name,
                "step_percent": round(news.step_percent, 1),
                "updated_at": round(time.time(), 3),
            }
        )
