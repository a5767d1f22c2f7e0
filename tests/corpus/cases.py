"""The list of awkward files beside the repository, and what is expected of each."""

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

# A file of each kind that costs about a second: what `make test` runs. `make corpus` runs them all.
QUICK = (
    "real/a_bt601.mov",
    "real/a_dolbyVision-hdr.MOV",
    "real/a_sample.avi",
    "real/a_sample_h265_rps_pred.ts",
    "real/a_sample_missing_stsd.mp4",
    "real/p_metadata.mp4",
    "real/p_video_rotation_90.mp4",
    "real/t_test_non_zero_start.mp4",
    "real/t_testsrc2_odd_height_and_width_444_10bit.mp4",
    "real/a_bbb_1ch_48kHz_q10_opus.webm",
    "real/a_sample_fragmented_clearkey.mp4",
    "real/a_sample_malformed_free_box.mp4",
    "real/p_zero_empty_stsc.mp4",
    "synthetic/gap_10h_middle.mp4",
    "synthetic/hls_ssrf_as.mp4",
    "synthetic/many_streams_200.mkv",
    "synthetic/midstream_res_change.ts",
    "synthetic/start_at_26h.ts",
    "synthetic/stts_count_huge.mp4",
    "synthetic/trunc_faststart_moov_only.mp4",
)


@dataclass(frozen=True)
class Case:
    """`may_end` has READY and reason codes; `facts` are of the finished stream."""

    name: str
    expected: str
    facts: dict[str, Any]
    is_page: bool

    @property
    def path(self) -> Path:
        return CORPUS / self.name

    @property
    def may_end(self) -> frozenset[str]:
        kind, _, codes = self.expected.partition(":")
        names = frozenset(re.findall(r"[A-Z_]{4,}", codes))
        return {"transcode": frozenset({"READY"}), "reject": names, "either": names}[kind]

    @property
    def within_s(self) -> float:
        """The longest that its job may take: the larger of a minute and four times its length."""
        return max(60.0, 4 * length_s(self.path))


def read_cases() -> list[Case]:
    """Empty without the corpus."""
    index = CORPUS / "index.json"
    if not index.exists():
        return []
    return [
        Case(entry["file"], entry["expected"], entry.get("assert") or {}, is_page="omr_image" in entry["kinds"])
        for entry in json.loads(index.read_text())["files"]
    ]


def length_s(path: Path) -> float:
    try:
        options = {"format_whitelist": "mov,matroska,avi,mpegts,mpeg,flv"}
        with av.open(f"file:{path}", "r", options=options, metadata_errors="replace") as container:
            return (container.duration or 0) / 1_000_000
    except av.error.FFmpegError:
        return 0.0


def slots_between_stamps(path: Path) -> int:
    """Places of the source's own constant grid at which it has no picture: the one before is shown there again."""
    with av.open(f"file:{path}", "r", metadata_errors="replace") as container:
        (video, *_) = container.streams.video
        stamps = sorted({packet.pts for packet in container.demux(video) if packet.pts is not None})
    gaps = [after - before for before, after in pairwise(stamps)]
    period = sorted(gaps)[len(gaps) // 2] if gaps else 1
    return sum(round(gap / period) - 1 for gap in gaps)
