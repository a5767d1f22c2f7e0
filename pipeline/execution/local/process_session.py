"""Everything that one attempt started: its session, found and ended to the last process."""

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_END_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.02


def pid_space() -> str:
    """Where process numbers mean the same: this boot of this machine, and this container on it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    if not boot.exists():
        return f"boot-{psutil.boot_time():.0f}"
    return f"{boot.read_text().strip()} {namespace.readlink()}"


def adopt_orphans() -> None:
    """Become the parent of descendants that lose theirs, so that none can get out of sight. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants() -> None:
    """Kill all that this process has started, directly or not; returns when it has gone."""
    deadline = time.monotonic() + _END_WITHIN_S
    while time.monotonic() < deadline:
        # Killed ones lose their children to us: look until there is nobody.
        family = psutil.Process().children(recursive=True)
        if not family:
            return
        _kill(family)
        psutil.wait_procs(family, timeout=_END_WITHIN_S)


def end_session(leader_pid: int, *, created_after_s: float) -> int:
    """Kill what is left of a session whose leader is dead, and return how many processes that were.

    A process number is not given away while a session is named by it: where a process has the leader's number,
    the whole session has gone before. `created_after_s` (epoch) keeps clear of anything older than the attempt.
    """
    ended: set[psutil.Process] = set()
    deadline = time.monotonic() + _END_WITHIN_S
    while time.monotonic() < deadline and not _exists(leader_pid):
        orphans = _orphans(leader_pid, created_after_s=created_after_s)
        if not orphans:
            break
        _kill(orphans)
        _wait_until_dead(orphans, deadline)
        ended.update(orphans)
    return len(ended)


def _wait_until_dead(processes: list[psutil.Process], deadline: float) -> None:
    """Zombies count as dead: who has to reap them is not for us to say."""
    while time.monotonic() < deadline and any(_exists(process.pid) for process in processes):
        time.sleep(_LOOK_EVERY_S)


def _orphans(leader_pid: int, *, created_after_s: float) -> list[psutil.Process]:
    members = [process for process in psutil.process_iter() if _session_of(process.pid) == leader_pid]
    family = {relative for member in members for relative in (member, *_children(member))}
    # Clocks are set: a second of difference is no evidence.
    return [process for process in family if _exists(process.pid) and _created_s(process) >= created_after_s - 1.0]


def kill_session_leader(pid: int) -> None:
    """End a supervisor that does not answer; its session is left to `end_session`."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _exists(pid: int) -> bool:
    return psutil.pid_exists(pid) and not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _created_s(process: psutil.Process) -> float:
    try:
        return process.create_time()
    except psutil.Error:
        return 0.0
