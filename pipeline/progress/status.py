"""Statuses in Redis, written by the control plane after each change of a row, so that a warm read needs no SQL.

The value is JSON: id, status, version, job_id, attempt, and for READY/FAILED hls_path, duration, error_reason.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import redis

from pipeline.logs import get_logger
from pipeline.progress.connection import BestEffort
from pipeline.progress.keys import IN_PROGRESS_TTL_S
from pipeline.progress.scripts import load_script

log = get_logger(__name__)

# Statuses of videos, jobs and sheets that do not change by themselves any more; their keys have no TTL.
SETTLED = frozenset({"READY", "FAILED", "DONE", "succeeded", "failed"})
LARGEST_VALUE_BYTES = 10 * 1024
# Above this many keys a Redis that is gone has been gone for hours, and its in-progress keys have expired.
MOST_OWED = 10_000


@dataclass(frozen=True)
class _Write:
    text: str
    version: int
    ttl_s: int


class StatusBoard:
    """Writes status keys. A row's version guards its key: an older version never replaces a newer one.

    It raises nothing for a Redis that fails. What could not be written then is owed: were it forgotten, a Redis
    that comes back would go on saying what was true before. `put_owed` is for a caller that comes by regularly.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._put_status = client.register_script(load_script("put_status"))
        self._best_effort = BestEffort()
        self._owed: dict[str, _Write] = {}
        self._lock = Lock()

    def put(self, key: str, value: Mapping[str, Any], *, version: int) -> None:
        """Cache `value`; the key of a value that is too large is deleted instead."""
        text = json.dumps({**value, "version": version}, ensure_ascii=False, default=str)
        if len(text.encode()) > LARGEST_VALUE_BYTES:
            text = ""
        self._owe(key, _Write(text, version, 0 if value.get("status") in SETTLED else IN_PROGRESS_TTL_S))
        self.put_owed()

    def put_owed(self) -> None:
        """Write what is owed, as far as Redis is there; without debts this does nothing."""
        with self._lock:
            debts = list(self._owed.items())
        for key, write in debts:
            if self._best_effort.is_resting:
                return
            with self._best_effort:
                self._put_status(keys=[key], args=[write.text, write.version, write.ttl_s])
                self._paid(key, write)

    def _owe(self, key: str, write: _Write) -> None:
        with self._lock:
            owed = self._owed.get(key)
            if owed is not None and owed.version > write.version:
                return
            self._owed[key] = write
            if len(self._owed) > MOST_OWED:
                dropped = next(iter(self._owed))
                del self._owed[dropped]
                log.warning("status_write_dropped", key=dropped)

    def _paid(self, key: str, write: _Write) -> None:
        with self._lock:
            if self._owed.get(key) is write:
                del self._owed[key]
