"""Watches what an attempt takes of its machine: cheap enough to be asked with every report of progress."""

import resource
import shutil
import sys
import time
from pathlib import Path

from pipeline.contracts.envelope import Usage

LOOK_EVERY_S = 1.0
# getrusage(2): ru_maxrss is in KiB on Linux and in bytes on macOS.
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


class UsageWatch:
    """Memory and CPU time are of this process and of its children that have ended; the disk is all of the machine's."""

    def __init__(self) -> None:
        self._scratch: Path | None = None
        self._looked_at = float("-inf")
        self._fullest_percent = 0.0

    def watch(self, scratch: Path) -> None:
        self._scratch = scratch
        self.look()

    def look(self) -> None:
        """Once a second at most; a disk that cannot be asked ends no job."""
        now = time.monotonic()
        if self._scratch is None or now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        try:
            disk = shutil.disk_usage(self._scratch)
        except OSError:
            return
        # As df counts: what is kept back for root is neither used nor free.
        self._fullest_percent = max(self._fullest_percent, 100.0 * disk.used / max(1, disk.used + disk.free))

    def usage(self) -> Usage:
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return Usage(
            scratch_used_percent=round(self._fullest_percent, 1),
            peak_memory_bytes=max(own.ru_maxrss, children.ru_maxrss) * _MAXRSS_BYTES,
            cpu_s=round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 3),
        )
