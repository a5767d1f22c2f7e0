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

import signal
import subprocess
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import PermanentError, TransientError
from pipeline.media.sandbox.conversation import Conversation, News, SandboxLimits, bounds_of
from pipeline.media.sandbox.start import end_child, start_child, take_waiting
from pipeline.reasons import Reason

if TYPE_CHECKING:
    # Pydantic takes longer to load than a child to start, and children may be started before anything else.
    from pipeline.contracts.envelope import Contract

Worker = Callable[[bytes, Callable[[float], None]], dict[str, object]]
"""Takes the request's JSON and a function to report progress (0 to 1) with, returns the reply's JSON form.

A worker that has more to tell than how far it is calls that function with JSON objects: its news.
"""

Reply = TypeVar("Reply", bound="Contract")


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
    child = take_waiting(target) if not variables else None
    if child is None:
        child = start_child(target, variables=variables)
    asked = bounds_of(limits) + request.model_dump_json().encode()
    talk = Conversation(child, asked, progress=progress, listen=listen)
    try:
        talk.hold(limits)
        child.wait(timeout=5)
    except TimeoutError as error:
        raise PermanentError(Reason.DECODER_LIMIT, str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise PermanentError(Reason.DECODER_LIMIT, "it did not end after its last words") from error
    finally:
        end_child(child)
    return reply.model_validate(_judge(talk, child.returncode, limits))


def _judge(talk: Conversation, returncode: int, limits: SandboxLimits) -> object:
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
