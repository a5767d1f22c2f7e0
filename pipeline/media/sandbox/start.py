"""Starts a child that waits to be asked. Apart from what asks it, which takes longer to load than a child to start."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from pipeline.media.sandbox import child as sandbox_child

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


@contextmanager
def started_early(target: str, *also_load: str) -> Iterator[None]:
    """Start the child of the next `run_sandboxed` of this target: it loads its modules meanwhile.

    Modules that the target imports only when it needs them are loaded when they are named here. If nobody has asked it
    anything by the end of the block, it is ended.
    """
    child = start_child(target, also_load=also_load)
    _waiting[target] = child
    try:
        yield
    finally:
        if _waiting.get(target) is child:
            end_waiting(target)


def end_waiting(target: str) -> None:
    """If a child was started early for this target, nobody will ask it anything."""
    if target in _waiting:
        end_child(_waiting.pop(target))


def take_waiting(target: str) -> subprocess.Popen[bytes] | None:
    """The child that was started early for this target, if there is one; from now on it is the caller's."""
    return _waiting.pop(target, None)


# Children that have not been asked anything yet.
_waiting: dict[str, subprocess.Popen[bytes]] = {}


def start_child(
    target: str, *, also_load: Sequence[str] = (), variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.Popen[bytes]:
    """A child that has its orders, and waits for a request."""
    orders: sandbox_child.Orders = {
        "parent": os.getpid(),
        "paths": [str(Path(__file__).parents[3]), *(path for path in sys.path if Path(path).is_absolute())],
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


def end_child(child: subprocess.Popen[bytes]) -> None:
    """Nothing of it is left when this returns."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
