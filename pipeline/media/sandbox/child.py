"""The first code of a sandboxed child: it loads what it will need and sets its own limits before it reads a request.

Run as a script by `pipeline.media.sandbox.start`, with `-I -S`, and with nothing but the standard library in sight.
stdin: a line of JSON (`Orders`), another one (`Bounds`), then the request; until somebody asks, there is only the
first line. stdout: lines of JSON, of which the last is the reply.
"""

import ctypes
import errno
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from typing import Any, TypedDict

PR_SET_PDEATHSIG = 1  # linux/prctl.h
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h: a traceback is on stderr


class Orders(TypedDict):
    """What the parent asks for: `target` is `module:function`, `paths` the folders that hold packages.

    `also_load` are modules that the target imports only when it needs them.
    """

    parent: int
    paths: list[str]
    target: str
    also_load: list[str]


class Bounds(TypedDict):
    """How much of everything it may use, what it has loaded included."""

    memory_bytes: int
    address_bytes: int
    cpu_s: int
    file_bytes: int
    open_files: int


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(EXIT_BUG)


def _limit(bounds: Bounds) -> None:
    # The hard CPU limit comes later than the soft one, so that the death is SIGXCPU and not a SIGKILL of anyone's.
    resource.setrlimit(resource.RLIMIT_CPU, (bounds["cpu_s"], bounds["cpu_s"] + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bounds["file_bytes"], bounds["file_bytes"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (bounds["open_files"], bounds["open_files"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (bounds["address_bytes"], bounds["address_bytes"]))
        # Private memory that can be written to; what a driver only reserves is not counted (getrlimit(2)).
        resource.setrlimit(resource.RLIMIT_DATA, (bounds["memory_bytes"], bounds["memory_bytes"]))


def _answer(orders: Orders, requests: Any, say: Any) -> None:
    """Load the target and call it with the request that comes; what it raises on purpose is a reply of its own kind."""
    from pipeline.errors import PermanentError, TransientError  # noqa: PLC0415

    module, _, name = orders["target"].partition(":")
    target = getattr(importlib.import_module(module), name)
    for also in orders["also_load"]:
        importlib.import_module(also)
    line = requests.readline()
    if not line:
        # Nobody has a request after all.
        return
    bounds: Bounds = json.loads(line)
    _limit(bounds)
    request = requests.read()
    try:
        say({"reply": target(request, lambda share: say({"progress": share}))})
    except PermanentError as error:
        say({"permanent": [error.reason, error.detail]})
    except TransientError as error:
        say({"transient": [error.reason, error.detail]})
    except MemoryError:
        say({"permanent": ["DECODER_LIMIT", f"more than {bounds['memory_bytes'] >> 20} MiB of memory"]})
    except OSError as error:
        match error.errno:
            case errno.ENOMEM:
                say({"permanent": ["DECODER_LIMIT", f"more than {bounds['memory_bytes'] >> 20} MiB of memory"]})
            case errno.EFBIG:
                say({"permanent": ["DECODER_LIMIT", f"a file of more than {bounds['file_bytes']} bytes"]})
            case errno.ENOSPC | errno.EDQUOT:
                say({"permanent": ["DISK_FULL", str(error)]})
            case _:
                raise


def main() -> None:
    orders: Orders = json.loads(sys.stdin.buffer.readline())
    _die_with_parent(orders["parent"])
    # Libraries print to descriptor 1 as they like; replies have a descriptor that no library knows.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path[:0] = orders["paths"]

    def say(line: dict[str, Any]) -> None:
        # One write per line: threads of the target may report at once.
        replies.write(json.dumps(line) + "\n")
        replies.flush()

    try:
        _answer(orders, sys.stdin.buffer, say)
    except BaseException:  # noqa: BLE001 - the process boundary: whatever it is, the parent reads it on stderr
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(EXIT_BUG)
    # Decoder threads and destructors of libraries have nothing left to say, and may hang.
    os._exit(0)


if __name__ == "__main__":
    main()
