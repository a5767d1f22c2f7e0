"""VMAF of a rendition against its source, both at the source's size, by libvmaf of `imageio-ffmpeg`'s program."""

import json
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

# VMAF of neighbouring pictures is alike, and measuring takes longer than encoding.
EVERY_NTH_PICTURE = 3
DEADLINE_S = 1800
# A source without colour tags and a rendition with them would be converted into each other's colours first, which
# moves brightness by more than any encoder does.
UNTAGGED = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown:range=unknown"


def measure_vmaf(playlist: Path, source: Path, *, size: tuple[int, int], rate: str) -> float:
    """The mean VMAF (0-100) of a media playlist, scaled up to `size` (bicubic), both at `rate` pictures a second."""
    width, height = size
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        graph = (
            f"[0:v]{UNTAGGED},setpts=PTS-STARTPTS,fps={rate},scale={width}:{height}:flags=bicubic,format=yuv420p[ours];"
            f"[1:v]{UNTAGGED},setpts=PTS-STARTPTS,fps={rate},format=yuv420p[theirs];"
            f"[ours][theirs]libvmaf=n_threads=2:n_subsample={EVERY_NTH_PICTURE}:log_fmt=json:log_path={log}"
        )
        subprocess.run(
            [
                *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"),
                *("-i", str(playlist), "-i", str(source), "-lavfi", graph, "-f", "null", "-"),
            ],
            check=True,
            timeout=DEADLINE_S,
        )
        return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])
