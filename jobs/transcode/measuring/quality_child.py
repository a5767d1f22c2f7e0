"""The sandboxed half of `jobs.transcode.measuring.quality`: runs the program that has libvmaf."""

import json
import subprocess
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from jobs.transcode.measuring.quality import QualityReply, QualityRequest, SegmentSample

# A few seconds of pictures; most of the time goes into decoding up to them.
SAMPLE_DEADLINE_S = 600
# A source without colour tags and a rendition with them would be converted into each other's colours first.
UNTAGGED = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown:range=unknown"


def measure_samples(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = QualityRequest.model_validate_json(request)
    vmaf: dict[int, tuple[float, ...]] = {}
    for sample in asked.samples:
        vmaf[sample.rendition] = vmaf.get(sample.rendition, ()) + _measure(asked, sample)
    return QualityReply(vmaf=vmaf).model_dump(mode="json")


def _measure(asked: QualityRequest, sample: SegmentSample) -> tuple[float, ...]:
    """VMAF of each picture of the segment; empty where the program cannot compare it."""
    size = f"{asked.width}:{asked.height}"
    deinterlaced = "bwdif=mode=send_frame," if asked.interlaced else ""
    # The picture at the segment's own time comes first, however its time was rounded.
    half_s = float(1 / Fraction(sample.rate) / 2)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        same = f"setpts=PTS-STARTPTS,fps={sample.rate},scale={size}:flags=bicubic,setsar=1,format=yuv420p,{UNTAGGED}"
        graph = (
            f"[0:v]{same}[ours];[1:v]{deinterlaced}{same}[theirs];"
            f"[ours][theirs]libvmaf=shortest=1:log_fmt=json:log_path={log}"
        )
        ended = subprocess.run(
            [
                *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-protocol_whitelist", "pipe", "-i", "pipe:0"),
                *("-protocol_whitelist", "file", "-seek_timestamp", "1", "-ss", f"{sample.source_s - half_s:.6f}"),
                *("-t", f"{sample.lasts_s:.6f}", "-i", f"file:{asked.source}"),
                *("-lavfi", graph, "-f", "null", "-"),
            ],
            input=b"".join(Path(file).read_bytes() for file in sample.files),
            capture_output=True,
            check=False,
            timeout=SAMPLE_DEADLINE_S,
            env={},
        )
        if ended.returncode != 0 or not log.exists():
            return ()
        return tuple(frame["metrics"]["vmaf"] for frame in json.loads(log.read_text())["frames"])
