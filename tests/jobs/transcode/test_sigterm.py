"""SIGTERM at any moment of a transcode: it leaves in time, says why, and leaves nothing behind.

`MOMENTS=50`, as in `make simulate`, takes fifty moments instead of four.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.execution.exit_codes import EXIT_DONE, EXIT_TRANSIENT
from tests.fixtures.internal_api import InternalApi, open_internal_api
from tests.fixtures.media import Clip, make_clip

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


def test_sigterm_at_random_moments(api: InternalApi, tmp_path: Path):
    began = time.monotonic()
    whole = start(api, tmp_path / "scratch")
    _, said = whole.communicate(timeout=60)
    assert whole.returncode == EXIT_DONE, said
    lasts_s = time.monotonic() - began
    moments = random.Random(5)
    endings = set()
    for _ in range(MOMENTS):
        api.calls.clear()
        api.requests.clear()
        api.objects.clear()
        after_s = moments.uniform(0.05, 1.0) * lasts_s
        job = start(api, tmp_path / "scratch")
        try:
            _, said = job.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            job.send_signal(signal.SIGTERM)
            _, said = job.communicate(timeout=EXIT_WITHIN_S)
        check_left_behind(api, job.returncode, said=said, scratch=tmp_path / "scratch", moment=f"{after_s:.2f} s")
        endings.add(job.returncode)
    assert EXIT_TRANSIENT in endings, "some of them were at work"


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
