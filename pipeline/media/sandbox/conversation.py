"""What is said between a sandboxed child and its parent: limits and a request there, news, a reply and stderr back."""

import json
import os
import selectors
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.errors import PermanentError
from pipeline.media.sandbox import child as sandbox_child
from pipeline.reasons import Reason

News = dict[str, object]

# A source, a segment of each rendition and what libraries open while they load; far below any system's limit.
OPEN_FILES = 256
STDERR_KEPT_BYTES = 8 * 1024
REPLY_LIMIT_BYTES = 16 * 1024 * 1024
READ_BYTES = 64 * 1024
MIB = 1024 * 1024


@dataclass(frozen=True)
class SandboxLimits:
    """What a child may use. `deadline_s` is wall time; `file_mib` bounds each file that it writes.

    `memory_mib` bounds what it writes to, and its address space too unless `address_mib` gives it more of that.
    `silence_s` bounds the wall time between two of its messages; to start and say its first it has the whole deadline.
    """

    memory_mib: int
    cpu_s: int
    deadline_s: float
    file_mib: int = 1
    address_mib: int | None = None
    silence_s: float | None = None


def bounds_of(limits: SandboxLimits) -> bytes:
    """The first line that a child is told."""
    bounds: sandbox_child.Bounds = {
        "memory_bytes": limits.memory_mib * MIB,
        "address_bytes": (limits.address_mib or limits.memory_mib) * MIB,
        "cpu_s": limits.cpu_s,
        "file_bytes": limits.file_mib * MIB,
        "open_files": OPEN_FILES,
    }
    return json.dumps(bounds).encode() + b"\n"


class Conversation:
    """Writes the request and reads replies and stderr at once, so that no full pipe can stop either side."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        request: bytes,
        *,
        progress: Callable[[float], None] | None,
        listen: Callable[[News], None] | None,
    ) -> None:
        self.result: dict[str, object] = {}
        self.stderr = b""
        self._child = child
        self._unsent = memoryview(request)
        self._line = bytearray()
        self._progress = progress
        self._listen = listen
        self._heard_at: float | None = None

    def hold(self, limits: SandboxLimits) -> None:
        """Until the child has closed its ends; raises TimeoutError when that, or its next message, takes too long."""
        deadline = time.monotonic() + limits.deadline_s
        stdin, stdout, stderr = self._child.stdin, self._child.stdout, self._child.stderr
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None
        os.set_blocking(stdin.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(stdin, selectors.EVENT_WRITE, self._send)
            selector.register(stdout, selectors.EVENT_READ, self._hear)
            selector.register(stderr, selectors.EVENT_READ, self._overhear)
            while selector.get_map():
                left, allowed_s = deadline - time.monotonic(), limits.deadline_s
                if limits.silence_s is not None and self._heard_at is not None:
                    quiet = self._heard_at + limits.silence_s - time.monotonic()
                    left, allowed_s = min((left, allowed_s), (quiet, limits.silence_s))
                if left <= 0:
                    raise TimeoutError(f"more than {allowed_s:g} s of time")
                for key, _ in selector.select(left):
                    if not key.data(key.fd):
                        selector.unregister(key.fileobj)
                        if key.fileobj is stdin:
                            stdin.close()

    def _send(self, descriptor: int) -> bool:
        try:
            self._unsent = self._unsent[os.write(descriptor, self._unsent[:READ_BYTES]) :]
        except BrokenPipeError:
            return False
        return len(self._unsent) > 0

    def _overhear(self, descriptor: int) -> bool:
        data = os.read(descriptor, READ_BYTES)
        self.stderr = (self.stderr + data)[-STDERR_KEPT_BYTES:]
        return bool(data)

    def _hear(self, descriptor: int) -> bool:
        data = os.read(descriptor, READ_BYTES)
        self._line += data
        if len(self._line) > REPLY_LIMIT_BYTES:
            raise PermanentError(Reason.CORRUPT, "the decoding process wrote nonsense")
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray(rest)
        for line in lines:
            self._take(line)
        return bool(data)

    def _take(self, line: bytes | bytearray) -> None:
        self._heard_at = time.monotonic()
        try:
            message = json.loads(line)
        except ValueError as error:
            raise PermanentError(Reason.CORRUPT, "the decoding process wrote nonsense") from error
        match message:
            case {"progress": float(share) | int(share)}:
                if self._progress is not None:
                    self._progress(share)
            case {"progress": dict(news)}:
                if self._listen is not None:
                    self._listen(news)
            case dict():
                self.result = message
            case _:
                raise PermanentError(Reason.CORRUPT, "the decoding process wrote nonsense")
