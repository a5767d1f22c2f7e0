"""Functions that tests run in a sandbox: each does one bad thing."""

import contextlib
import ctypes
import mmap
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import PermanentError, TransientError
from pipeline.reasons import Reason

Progress = Callable[[float], None]


def describe(_request: bytes, progress: Progress) -> dict[str, object]:
    progress(0.25)
    progress(1)
    print("noise of a library", flush=True)  # noqa: T201
    limits = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE")
    return {
        "environment": dict(os.environ),
        "limits": {name: resource.getrlimit(getattr(resource, name))[0] for name in limits},
        "group": os.getpgid(0),
        "pid": os.getpid(),
    }


def name_modules(_request: bytes, _progress: Progress) -> dict[str, object]:
    return {"environment": dict.fromkeys(sys.modules, "")}


def refuse(_request: bytes, _progress: Progress) -> dict[str, object]:
    raise PermanentError(Reason.TOO_SMALL, "2x2")


def give_up(_request: bytes, _progress: Progress) -> dict[str, object]:
    raise TransientError(Reason.STORAGE_UNAVAILABLE, "503")


def eat_memory(_request: bytes, _progress: Progress) -> dict[str, object]:
    return {"pid": len(bytearray(4 << 30))}


def reserve_addresses(_request: bytes, _progress: Progress) -> dict[str, object]:
    mmap.mmap(-1, 8 << 30, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ).close()
    return {"pid": 1}


def burn(_request: bytes, _progress: Progress) -> dict[str, object]:
    while True:
        pass


def sleep(_request: bytes, progress: Progress) -> dict[str, object]:
    progress(os.getpid())
    time.sleep(600)
    return {}


def crash(_request: bytes, _progress: Progress) -> dict[str, object]:
    ctypes.string_at(0)
    return {}


def be_killed(_request: bytes, _progress: Progress) -> dict[str, object]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def write_much(request: bytes, _progress: Progress) -> dict[str, object]:
    with Path(request.decode().split('"')[3]).open("wb") as file:
        file.writelines(bytes(1 << 20) for _ in range(64))
    return {}


def fill_disk(_request: bytes, _progress: Progress) -> dict[str, object]:
    with Path("/dev/full").open("wb") as file:
        file.write(bytes(1 << 20))
    return {}


def have_a_bug(_request: bytes, _progress: Progress) -> dict[str, object]:
    sys.stderr.write("x" * 100_000 + "\n")
    raise KeyError("nobody expected this")


def echo_length(request: bytes, _progress: Progress) -> dict[str, object]:
    return {"pid": len(request)}


def fall_silent(_request: bytes, progress: Progress) -> dict[str, object]:
    for _ in range(8):
        time.sleep(0.1)
        progress(0.5)
    time.sleep(600)
    return {}


def write_nonsense(_request: bytes, _progress: Progress) -> dict[str, object]:
    """Where replies are written, which a decoder that was taken over finds out."""
    for descriptor in range(3, 10):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"[nonsense\n")
    time.sleep(600)
    return {}


def tell_news(_request: bytes, progress: Callable[[object], None]) -> dict[str, object]:
    progress({"page": 1})
    progress({"page": 2})
    return {"pid": 2}
