"""Every awkward file ends as its index says, through the real job.

`make test` runs one small file of each kind, `make corpus` (CORPUS=all) every file, a printed line each.
"""

import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import m3u8
import pytest

from pipeline.reasons import Reason
from tests.corpus.cases import CORPUS, QUICK, Case, read_cases, slots_between_stamps

ROOT = Path(__file__).parents[2]
ALL = os.environ.get("CORPUS") == "all"
PROBE_S, PROBE_MIB = 10.0, 1024

CASES = [case for case in read_cases() if not case.is_page and (ALL or case.name in QUICK)]
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared/corpus beside the repository")


@dataclass(frozen=True)
class Ended:
    """How the job ended, and the largest rendition's written pictures where it is READY."""

    exit_code: int
    outcome: dict[str, Any]
    took_s: float
    words: str
    pictures: int = 0

    @property
    def how(self) -> str:
        return "READY" if self.outcome["status"] == "ready" else str(self.outcome["reason"])

    @property
    def probe_s(self) -> float:
        return float(sum(step["seconds"] for step in self.outcome["steps"] if step["name"] == "probing"))

    @property
    def top(self) -> dict[str, Any]:
        return dict(self.outcome["renditions"][-1])


def run_job(case: Case, folder: Path) -> Ended:
    """The job by hand on the corpus's own file; raises TimeoutExpired past the time that the case allows."""
    spec = folder.with_suffix(".json")
    spec.write_text(json.dumps({"limits": {"probe_memory_mib": PROBE_MIB}}))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "jobs.transcode", str(case.path), str(folder), "--spec", str(spec)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=case.within_s,
        check=False,
    )
    took_s = time.monotonic() - began
    outcome = json.loads((folder / "outcome.json").read_text())
    pictures = count_pictures(folder / outcome["renditions"][-1]["playlist"]) if outcome["renditions"] else 0
    return Ended(done.returncode, outcome, took_s, done.stderr, pictures)


def count_pictures(playlist: Path) -> int:
    media = m3u8.load(str(playlist))
    names = [media.segment_map[0].uri, *(segment.uri for segment in media.segments)]
    with av.open(io.BytesIO(b"".join((playlist.parent / name).read_bytes() for name in names)), "r") as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


@needs_corpus
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_ends_as_expected(case: Case, tmp_path: Path):
    ended = run_job(case, tmp_path / "hls")
    sys.stdout.write(line(case, ended) + "\n")
    assert ended.how in case.may_end, ended.outcome["detail"]
    assert ended.probe_s <= PROBE_S
    if ended.how == "READY":
        assert ended.exit_code == 0
        assert ended.outcome["audio"] is None or "no audio" not in case.expected
        check_facts(case, ended)
    else:
        assert ended.exit_code == 65
        assert ended.how in set(Reason) - {Reason.INTERNAL_ERROR}
        assert "Traceback" not in ended.words


def line(case: Case, ended: Ended) -> str:
    made = (
        f"{ended.top['width']}x{ended.top['height']}, {ended.pictures} pictures" if ended.pictures else "nothing made"
    )
    detail = f" ({ended.outcome['detail']})" if ended.outcome["detail"] else ""
    return f"{case.name}: {ended.how}{detail}, {made}, {ended.took_s:.1f} s; expected {case.expected}"


def check_facts(case: Case, ended: Ended) -> None:
    for name, value in case.facts.items():
        match name:
            case "display":
                width, height = map(int, value.split("x"))
                short = min(ended.top["width"], ended.top["height"])
                assert short <= min(width, height)
                # Both sides are rounded to even numbers.
                assert ended.top["width"] == pytest.approx(width * short / min(width, height), abs=2)
                assert ended.top["height"] == pytest.approx(height * short / min(width, height), abs=2)
            case "frames":
                assert ended.pictures == value + slots_between_stamps(case.path)
            case "duration":
                assert ended.outcome["duration_s"] == pytest.approx(value, abs=0.1)
            case _:
                pytest.fail(f"the index asks for {name}, which this test does not know")


@needs_corpus
@pytest.mark.skipif(not ALL, reason="page images are the grading job's: `make corpus` counts them")
def test_what_is_left_out_are_page_images():
    """They are no uploads of a transcode; their reason codes (IMAGE_*) belong to grading."""
    left = [case.name for case in read_cases() if case.is_page]
    sys.stdout.write(f"{len(CASES)} videos run; {len(left)} page images left to grading: {', '.join(left)}\n")
    assert len(CASES) + len(left) == len(read_cases())
