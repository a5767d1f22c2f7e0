"""Processes whose parent died: on Linux they can be made ours, so that none outlives the stack."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from pipeline.embedded.ending import kill_tree

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """While it is open, orphans below this process become its children; at the end they are killed with their trees.

    A job outlives a control plane that is killed, so that the next one finds it. It must not outlive the stack.
    """
    if sys.platform != "linux":
        yield
        return
    known = set(psutil.Process().children())
    _set_subreaper(on=True)
    try:
        yield
    finally:
        for orphan in set(psutil.Process().children()) - known:
            kill_tree(orphan)
        _set_subreaper(on=False)


def _set_subreaper(*, on: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, *map(ctypes.c_ulong, (on, 0, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), "prctl PR_SET_CHILD_SUBREAPER")
