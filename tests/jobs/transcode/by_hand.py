"""The whole job by hand, `python -m jobs.transcode SOURCE FOLDER`, and what is seen and heard of what it made."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import m3u8
import numpy as np
from av.video.frame import VideoFrame

from jobs.transcode.hls.boxes import read_segment, read_timescale
from tests.fixtures.media import read_pictures

ROOT = Path(__file__).parents[3]
WITHIN_S = 100


class Result:
    """A finished run by hand: its exit code, outcome and files."""

    def __init__(self, folder: Path, exit_code: int, words: str) -> None:
        self.folder = folder
        self.exit_code = exit_code
        self.words = words
        self.outcome = json.loads((folder / "outcome.json").read_text())

    def media(self, track: str) -> bytes:
        playlist = m3u8.load(str(self.folder / track / "index.m3u8"))
        names = [playlist.segment_map[0].uri, *(segment.uri for segment in playlist.segments)]
        return b"".join((self.folder / track / name).read_bytes() for name in names)

    def starts(self, track: str) -> list[Fraction]:
        """When each segment begins, in seconds, as its own boxes say."""
        scale = read_timescale((self.folder / track / "init.mp4").read_bytes())
        paths = sorted((self.folder / track).glob("*.m4s"))
        return [Fraction(read_segment(path.read_bytes()).start_units, scale) for path in paths]


def transcode(source: Path, folder: Path, **fields: object) -> Result:
    return run_by_hand(source, folder, fields)


def transcode_part(source: Path, folder: Path, part: int, **fields: object) -> Result:
    """As the child of an array that has this index."""
    return run_by_hand(source, folder, fields, AWS_BATCH_JOB_ARRAY_INDEX=str(part))


def run_by_hand(source: Path, folder: Path, fields: Mapping[str, object], **variables: str) -> Result:
    spec = folder.with_suffix(".json")
    spec.write_text(json.dumps(fields))
    ended = subprocess.run(
        [sys.executable, "-m", "jobs.transcode", str(source), str(folder), "--spec", str(spec)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    return Result(folder, ended.returncode, ended.stderr)


SMALL_LADDER = [
    {"name": "90p", "short_side_px": 90, "video_bps": 100_000},
    {"name": "180p", "short_side_px": 180, "video_bps": 200_000},
    {"name": "360p", "short_side_px": 360, "video_bps": 300_000},
]


def shown(data: bytes) -> list[tuple[VideoFrame, Fraction]]:
    frames = read_pictures(data)
    return list(zip(frames, times(frames), strict=True))


def times(frames: list[VideoFrame]) -> list[Fraction]:
    """When each picture is shown, in exact seconds."""
    return [(frame.pts or 0) * (frame.time_base or Fraction(1)) for frame in frames]


def flash_s(result: Result) -> float:
    """When the picture turns white."""
    return next(
        frame.time
        for frame in read_pictures(result.media("v1"))
        if frame.reformat(format="gray").to_ndarray().mean() > 128
    )


def beep_s(result: Result) -> float:
    """When the sound is first loud."""
    with av.open(io.BytesIO(result.media("audio")), "r") as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1)
            if len(loud):
                assert frame.time is not None
                return float(frame.time + loud[0] / frame.sample_rate)
    raise AssertionError("no beep")
