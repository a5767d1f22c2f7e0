"""Stands between us and each server that we start, for a moment: prepares the process, then becomes the server.

Run as a script with one argument, the JSON that `pipeline.embedded.supervisor` makes. Only here, in a process
that has one thread and nothing else to do, is it safe to change accounts and to ask for the death signal. The
record is written before the server exists, so that no server ever runs without one: whoever started it may be
killed at any moment.
"""

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil

# linux/prctl.h and linux/capability.h
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522

PARENT_IS_GONE = 70


def main() -> None:
    launch: dict[str, Any] = json.loads(sys.argv[1])
    _write_record(Path(launch["record"]), launch["stopping"])
    if launch["account"] is not None:
        _become(*launch["account"])
    if sys.platform == "linux":
        # After the change of account, which clears it.
        _prctl(PR_SET_PDEATHSIG, launch["stopping"][0][0])
    if os.getppid() != launch["parent"]:
        sys.exit(PARENT_IS_GONE)
    os.execv(launch["argv"][0], launch["argv"])  # noqa: S606  the point of this file


def _write_record(path: Path, stopping: list[list[float]]) -> None:
    me = psutil.Process()
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps({"pid": me.pid, "create_time": me.create_time(), "stopping": stopping}))
    partial.replace(path)


def _become(uid: int, gid: int) -> None:
    """Change to an unprivileged account that can still pass through folders that only root may enter.

    A clone below /root would otherwise have to be opened to everyone before that account could even execute
    the server. Where the right cannot be kept, the server says itself what it could not read.
    """
    keep = CAP_DAC_READ_SEARCH if _holds(CAP_DAC_READ_SEARCH) else CAP_DAC_OVERRIDE
    if sys.platform == "linux":
        _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if sys.platform == "linux" and _keep_only(keep):
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, keep)


def _holds(capability: int) -> bool:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> capability & 1)


def _prctl(option: int, *arguments: int) -> bool:
    words = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    return bool(ctypes.CDLL(None).prctl(option, *words) == 0)


def _keep_only(capability: int) -> bool:
    """capset(2): effective, permitted and inheritable are this one capability (all are below 32)."""
    mask = 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    return bool(ctypes.CDLL(None).capset(header, data) == 0)


if __name__ == "__main__":
    main()
