"""What of a GPU works here, and what one can do at most."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from cli import tables
from cli.checks import Check, Finding
from cli.output import RESULTS
from pipeline.errors import AcademyError
from pipeline.media import gpu
from pipeline.media.capabilities import Capabilities, CodecCheck, find_capabilities

CHILD_WITHIN_S: Final = 60


def check_gpu() -> Iterator[Check]:
    """The GPU and its driver, and each of its engines by an encoded or decoded picture."""
    yield check_driver()
    try:
        found = find_capabilities()
    except AcademyError as exc:
        yield Check("PyAV", Finding.BROKEN, str(exc))
    else:
        yield from (check for check in check_codecs(found) if check.subject.endswith(("_nvenc", "_cuvid")))


def check_driver() -> Check:
    if shutil.which("nvidia-smi") is None:
        return Check("GPU", Finding.ABSENT, "no nvidia-smi here")
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=CHILD_WITHIN_S, check=True)
    except (OSError, subprocess.SubprocessError) as exc:
        return Check("GPU", Finding.POOR, f"nvidia-smi fails: {exc}")
    return Check("GPU", Finding.GOOD, "; ".join(answer.stdout.splitlines()))


def check_codecs(found: Capabilities) -> Iterator[Check]:
    for encoder in found.encoders:
        yield _codec("Encoder", encoder, "encodes")
    for decoder in found.decoders:
        yield _codec("Decoder", decoder, "decodes")


def _codec(kind: str, codec: CodecCheck, does: str) -> Check:
    """A GPU's codec is a gain, not a need."""
    subject = f"{kind} {codec.name}"
    if codec.works:
        return Check(subject, Finding.GOOD, does)
    return Check(subject, Finding.ABSENT if codec.hardware else Finding.BROKEN, f"does not open: {_explain(codec)}")


def _explain(codec: CodecCheck) -> str:
    problem = codec.problem or ""
    if gpu.NO_ENCODER in problem:
        return f"{problem}. This GPU has no NVENC; x264 encodes, and NVDEC may decode."
    if gpu.SESSIONS_USED_UP in problem:
        return f"{problem}. All NVENC sessions are in use; try again when other jobs have ended."
    return problem


def ceilings() -> dict[str, Any]:
    return {
        "codec": "h264",
        "size": "1920x1080",
        "tune": "hq",
        "fps_per_engine": {ceiling.preset: ceiling.fps for ceiling in gpu.CEILINGS},
        "engines": [asdict(engines) for engines in gpu.ENGINES],
        "source": gpu.CEILINGS_SOURCE,
    }


def print_ceilings() -> None:
    RESULTS.print("", tables.ceilings(gpu.CEILINGS, gpu.ENGINES), "")
    none = ", ".join(engines.gpu for engines in gpu.ENGINES if not engines.nvenc)
    RESULTS.print(f"Frames/s of 1080p H.264, tune hq, at most: {gpu.CEILINGS_SOURCE}. {none} have no NVENC.")
