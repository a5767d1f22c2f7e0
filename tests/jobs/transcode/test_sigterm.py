"""SIGTERM at any moment of a transcode: it leaves in time, says why, and leaves nothing behind.

`MOMENTS=50`, as in `make simulate`, takes fifty moments instead of four.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.execution.exit_codes import EXIT_DONE, EXIT_TRANSIENT
from tests.fixtures.internal_api import InternalApi, open_internal_api
from tests.fixtures.media import Clip, make_clip
from tests.fixtures.waiting import wait_for

ROOT = Path(__file__).parents[3]
MOMENTS = int(os.environ.get("MOMENTS", "4"))
EXIT_WITHIN_S = 20.0
# Killed by the signal itself: Python has not come to the job's own code yet, and nothing has begun.
BEFORE_ANYTHING = -signal.SIGTERM
LADDER = [{"name": "90p", "short_side_px": 90, "video_bps": 100_000}]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    clip = Clip(width=160, height=90, rate=Fraction(10), pictures=40)
    return make_clip(tmp_path_factory.mktemp("source") / "clip.mp4", clip).read_bytes()


@pytest.fixture
def api(source: bytes) -> Iterator[InternalApi]:
    with open_internal_api() as api:
        api.source = source
        api.spec = {"video_id": "v", "source": api.source_spec(), "ladder": LADDER}
        yield api


def start(api: InternalApi, scratch: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.transcode"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "JOB_SCRATCH": str(scratch), **api.environment()},
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass
class Timeline:
    """A rule that says when each request came, and keeps the one after the `last`-th waiting until `go_on`."""

    began_s: float = field(default_factory=time.monotonic)
    last: int | None = None
    came_s: list[float] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __call__(self, method: str, path: str) -> None:
        self.came_s.append(time.monotonic() - self.began_s)
        if self.last is not None and len(self.came_s) > self.last:
            self.go_on.wait(timeout=EXIT_WITHIN_S)


def moments_of(whole: Timeline, ended_s: float) -> Iterator[tuple[int, float]]:
    """After how many requests, and how many seconds after the last of them: one moment in each stretch of the run.

    Counted from what the job asks and not from its start alone, a moment stays within the work when a later run is
    faster than the `whole` one was. The first moment is before the first request, the others are after it.
    """
    chance = random.Random(5)
    start_s = whole.came_s[0]
    yield 0, chance.uniform(0.05, 1.0) * start_s
    stretch_s = (ended_s - start_s) / (MOMENTS - 1)
    for number in range(MOMENTS - 1):
        at_s = start_s + (number + chance.random()) * stretch_s
        asked = bisect_right(whole.came_s, at_s)
        yield asked, at_s - whole.came_s[asked - 1]


def test_sigterm_at_random_moments(api: InternalApi, tmp_path: Path):
    api.rule = whole = Timeline()
    job = start(api, tmp_path / "scratch")
    _, said = job.communicate(timeout=60)
    assert job.returncode == EXIT_DONE, said
    ended_s = time.monotonic() - whole.began_s
    endings = set()
    for asked, more_s in moments_of(whole, ended_s):
        api.calls.clear()
        api.requests.clear()
        api.objects.clear()
        moment = f"{more_s:.2f} s after {asked} requests"
        code, said = stop(api, tmp_path / "scratch", asked, more_s)
        check_left_behind(api, code, said=said, scratch=tmp_path / "scratch", moment=moment)
        endings.add(code)
    assert EXIT_TRANSIENT in endings, "some of them were at work"


def stop(api: InternalApi, scratch: Path, asked: int, more_s: float) -> tuple[int, str]:
    """The exit code and the words of a job that is stopped so long after so many requests."""
    api.rule = now = Timeline(last=asked)
    job = start(api, scratch)
    wait_for(lambda: len(now.came_s) >= asked or job.poll() is not None, f"{asked} requests")
    try:
        _, said = job.communicate(timeout=more_s)
    except subprocess.TimeoutExpired:
        job.send_signal(signal.SIGTERM)
        now.go_on.set()
        _, said = job.communicate(timeout=EXIT_WITHIN_S)
    return job.returncode, said


def check_left_behind(api: InternalApi, code: int, *, said: str, scratch: Path, moment: str) -> None:
    names = api.names_of_calls()
    assert code in (EXIT_DONE, EXIT_TRANSIENT, BEFORE_ANYTHING), (moment, said)
    if code == EXIT_TRANSIENT and "start" in names:
        told = api.call("fail")
        assert (told["reason"], told["permanent"]) == ("TERMINATED", False), moment
    if code == EXIT_DONE:
        assert names[-1] == "finish", moment
        assert api.outcome()["status"] == "ready"
    if code == BEFORE_ANYTHING:
        assert api.requests == [], moment
    assert list(scratch.glob("*")) == [], moment
    for method, path, _ in api.requests:
        # A multipart upload begins with a POST to the store: none was begun, so none is left open.
        assert method != "POST" or path.startswith("/api/v1/internal/jobs/"), moment
