"""Runs one function of ours in a child process with limits, so that a hostile file can only kill that child.

The function is named, not passed: `"package.module:function"`, with the signature of `Worker`. The child starts
with an empty environment and limits on memory, CPU time, file size and open files, and dies with its parent.

How the child's end is told to the caller:

- a refusal raised in the child (`PermanentError`, `TransientError`) is raised again here, with reason and detail;
- out of memory, CPU or wall time: `PermanentError(DECODER_LIMIT)`; a full disk: `PermanentError(DISK_FULL)`;
- a crash (SIGSEGV, SIGABRT, ...): `PermanentError(CORRUPT)`, since the same bytes crash it again;
- SIGKILL from outside, as the kernel does when the machine is out of memory: `TransientError(WORKER_KILLED)`;
- a bug (an exception that nobody expected): `PermanentError(INTERNAL_ERROR)` with the traceback's last line.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import PermanentError, TransientError
from pipeline.media import sandbox_child
from pipeline.reasons import Reason

if TYPE_CHECKING:
    # Pydantic takes longer to load than a child to start, and children may be started before anything else.
    from pipeline.contracts.envelope import Contract

Worker = Callable[[bytes, Callable[[float], None]], dict[str, object]]
"""Takes the request's JSON and a function to report progress (0 to 1) with, returns the reply's JSON form.

A worker that has more to tell than how far it is calls that function with JSON objects: its news.
"""

News = dict[str, object]

Reply = TypeVar("Reply", bound="Contract")

# A source, a segment of each rendition and what libraries open while they load; far below any system's limit.
OPEN_FILES = 256
STDERR_KEPT_BYTES = 8 * 1024
REPLY_LIMIT_BYTES = 16 * 1024 * 1024
READ_BYTES = 64 * 1024
MIB = 1024 * 1024

# What a GPU's driver libraries are found by; everything else of the parent's environment stays there.
PASSED_VARIABLES = ("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
# glibc reserves 64 MiB of address space for each thread's arena and keeps what was freed there. Of a long file's index,
# which FFmpeg builds up and copies, large blocks go back to the system at once: with a size that glibc does not raise.
FIXED_VARIABLES = {
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "4194304",
    "OPENBLAS_NUM_THREADS": "1",
    # It would read the metadata of every installed package, for plugins that we have none of.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}


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


def run_sandboxed(
    target: str,
    request: "Contract",
    *,
    reply: type[Reply],
    limits: SandboxLimits,
    progress: Callable[[float], None] | None = None,
    listen: Callable[[News], None] | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Reply:
    """Run `target` on `request` in a child process; see the module for what is raised.

    `listen` is told the worker's news as they come, and may raise to end it. `variables` are the only ones that the
    child's environment has beside the fixed ones.
    """
    child = _waiting.pop(target, None) if not variables else None
    if child is None:
        child = _start(target, variables=variables)
    asked = _bounds(limits) + request.model_dump_json().encode()
    talk = _Conversation(child, asked, progress=progress, listen=listen)
    try:
        talk.hold(limits)
        child.wait(timeout=5)
    except TimeoutError as error:
        raise PermanentError(Reason.DECODER_LIMIT, str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise PermanentError(Reason.DECODER_LIMIT, "it did not end after its last words") from error
    finally:
        _end(child)
    return reply.model_validate(_judge(talk, child.returncode, limits))


@contextmanager
def started_early(target: str, *also_load: str) -> Iterator[None]:
    """Start the child of the next `run_sandboxed` of this target: it loads its modules meanwhile.

    Modules that the target imports only when it needs them are loaded when they are named here. If nobody has asked it
    anything by the end of the block, it is ended.
    """
    child = _start(target, also_load=also_load)
    _waiting[target] = child
    try:
        yield
    finally:
        if _waiting.get(target) is child:
            end_waiting(target)


def end_waiting(target: str) -> None:
    """If a child was started early for this target, nobody will ask it anything."""
    if target in _waiting:
        _end(_waiting.pop(target))


# Children that have not been asked anything yet.
_waiting: dict[str, subprocess.Popen[bytes]] = {}


def _start(
    target: str, *, also_load: Sequence[str] = (), variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.Popen[bytes]:
    """A child that has its orders, and waits for a request."""
    orders: sandbox_child.Orders = {
        "parent": os.getpid(),
        "paths": [str(Path(__file__).parents[2]), *(path for path in sys.path if Path(path).is_absolute())],
        "target": target,
        "also_load": [*also_load],
    }
    passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    # A group of its own: a terminal's Ctrl-C ends the parent, which ends this child; nobody is told twice.
    child = subprocess.Popen(
        # Without site: where packages are is known, and looking for hooks at every start takes longer than needed.
        [sys.executable, "-I", "-S", sandbox_child.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=FIXED_VARIABLES | passed | dict(variables),
        process_group=0,
        bufsize=0,
    )
    assert child.stdin is not None
    # Far less than what a pipe takes without a reader.
    with suppress(BrokenPipeError):
        child.stdin.write(json.dumps(orders).encode() + b"\n")
    return child


def _bounds(limits: SandboxLimits) -> bytes:
    bounds: sandbox_child.Bounds = {
        "memory_bytes": limits.memory_mib * MIB,
        "address_bytes": (limits.address_mib or limits.memory_mib) * MIB,
        "cpu_s": limits.cpu_s,
        "file_bytes": limits.file_mib * MIB,
        "open_files": OPEN_FILES,
    }
    return json.dumps(bounds).encode() + b"\n"


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


class _Conversation:
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


def _judge(talk: _Conversation, returncode: int, limits: SandboxLimits) -> object:
    """The reply, or the error that the child's end stands for."""
    match talk.result:
        case {"reply": body}:
            return body
        case {"permanent": [str(reason), str(detail)]}:
            raise PermanentError(Reason(reason), detail)
        case {"transient": [str(reason), str(detail)]}:
            raise TransientError(Reason(reason), detail)
        case _:
            pass
    last_words = talk.stderr.decode(errors="replace").strip().rpartition("\n")[2][-300:]
    match -returncode:
        case signal.SIGXCPU:
            raise PermanentError(Reason.DECODER_LIMIT, f"more than {limits.cpu_s} s of CPU time")
        case signal.SIGKILL | signal.SIGTERM | signal.SIGINT:
            raise TransientError(Reason.WORKER_KILLED, f"the decoding process got {signal.Signals(-returncode).name}")
        case number if number > 0:
            raise PermanentError(Reason.CORRUPT, f"the decoder crashed with {signal.Signals(number).name}")
        case _ if "MemoryError" in last_words:
            raise PermanentError(Reason.DECODER_LIMIT, f"more than {limits.memory_mib} MiB of memory")
        case _:
            bug = PermanentError(Reason.INTERNAL_ERROR, last_words or f"exit code {returncode}")
            bug.add_note(talk.stderr.decode(errors="replace"))
            raise bug
