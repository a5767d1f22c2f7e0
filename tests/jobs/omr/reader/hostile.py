"""The reading child as it would be with a decoder that some pages take over."""

import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from jobs.omr.form import Form
from jobs.omr.page import Page
from jobs.omr.pages.opening import count_pages
from jobs.omr.reader import child, pending
from jobs.omr.registration.register import register
from jobs.omr.registration.registered import Registered
from pipeline.contracts.omr import OmrLimits

# What happens on which page of a file; the others are read as always.
CRASHES, EATS_MEMORY, HANGS, HAS_A_BUG, LEAVES, LIES, BABBLES = range(2, 9)

Say = Callable[[dict[str, object]], None]


def read_pages(request: bytes, report: Say) -> dict[str, object]:
    def hostile_register(page: Page, form: Form) -> Registered:
        _misbehave(page.number, report)
        return register(page, form)

    with patch.object(pending, "register", hostile_register):
        return child.read_pages(request, report)


def _misbehave(number: int, report: Say) -> None:
    if number == CRASHES:
        ctypes.string_at(0)
    elif number == EATS_MEMORY:
        bytearray(4 << 30)
    elif number == HANGS:
        time.sleep(600)
    elif number == HAS_A_BUG:
        raise KeyError("nobody expected this")
    elif number == LEAVES:
        os._exit(0)
    elif number == LIES:
        report({"news": "ended", "file": 0, "page": 200, "reading": {"file": "", "page": 200, "state": "read"}})
    elif number == BABBLES:
        report({"news": "nothing that anybody knows"})


def crash_while_counting(request: bytes, report: Say) -> dict[str, object]:
    def count(path: Path, limits: OmrLimits) -> int:
        if path.name.startswith("crash"):
            ctypes.string_at(0)
        return count_pages(path, limits)

    with patch.object(child, "count_pages", count):
        return child.read_pages(request, report)
