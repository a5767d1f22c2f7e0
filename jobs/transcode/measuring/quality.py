"""Measures what viewers get: VMAF of sampled segments against the source, when `QUALITY=vmaf` asks for it."""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jobs.transcode.encoding.encode import EncodeReport
from jobs.transcode.hls.layout import INIT_NAME, segment_name
from jobs.transcode.planning.plan import Plan
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import Quality, Rendition, TranscodeLimits
from pipeline.media.sandbox.conversation import SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed

QUALITY_VARIABLE = "QUALITY"
# A package with an FFmpeg program that has libvmaf; it is not among those that a job needs.
PROGRAM_PACKAGE = "imageio_ffmpeg"
SAMPLED_SEGMENTS = 3
DEADLINE_S = 3600


class SegmentSample(Contract):
    """A segment, and the time in the source (s) at which its first picture is."""

    rendition: int
    files: tuple[str, str]
    source_s: float
    lasts_s: float
    rate: str


class QualityRequest(Contract):
    """The pictures are compared at `width` x `height`, the size at which the source is shown."""

    source: str
    width: int
    height: int
    interlaced: bool
    samples: tuple[SegmentSample, ...]


class QualityReply(Contract):
    """VMAF of all compared pictures, by the number of the rendition."""

    vmaf: dict[int, tuple[float, ...]]


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Whether VMAF is wanted and can be measured here; high dynamic range has no VMAF against our renditions."""
    return environment.get(QUALITY_VARIABLE) == "vmaf" and importlib.util.find_spec(PROGRAM_PACKAGE) is not None


def measure_quality(
    plan: Plan,
    written: EncodeReport,
    renditions: tuple[Rendition, ...],
    *,
    source: Path,
    output: Path,
    limits: TranscodeLimits,
) -> tuple[Rendition, ...]:
    """The renditions with their quality; as they were where the source's colours cannot be compared."""
    if plan.video.colour.is_hdr:
        return renditions
    reply = run_sandboxed(
        "jobs.transcode.measuring.quality_child:measure_samples",
        QualityRequest(
            source=str(source.resolve()),
            width=plan.video.display_width // 2 * 2,
            height=plan.video.display_height // 2 * 2,
            interlaced=plan.video.interlaced,
            samples=tuple(_samples(plan, written, output)),
        ),
        reply=QualityReply,
        limits=SandboxLimits(
            memory_mib=limits.decoder_memory_mib, cpu_s=DEADLINE_S, deadline_s=DEADLINE_S, file_mib=64
        ),
    )
    return tuple(
        rendition.model_copy(update={"quality": _quality(reply.vmaf.get(number, ()))})
        for number, rendition in enumerate(renditions)
    )


def _samples(plan: Plan, written: EncodeReport, output: Path) -> Iterator[SegmentSample]:
    for number, (rung, track) in enumerate(zip(plan.rungs, written.renditions, strict=True)):
        grid = plan.grid_of(rung)
        starts = grid.starts()
        for segment in sorted({(2 * n + 1) * len(starts) // (2 * SAMPLED_SEGMENTS) for n in range(SAMPLED_SEGMENTS)}):
            yield SegmentSample(
                rendition=number,
                files=(str(output / track.folder / INIT_NAME), str(output / track.folder / segment_name(segment))),
                source_s=plan.origin_s + float(starts[segment] / grid.rate),
                lasts_s=track.segments[segment].units / track.timescale,
                rate=f"{grid.rate_num}/{grid.rate_den}",
            )


def _quality(vmaf: Sequence[float]) -> Quality | None:
    if not vmaf:
        return None
    worst = sorted(vmaf)[: max(1, len(vmaf) // 100)]
    return Quality(vmaf_mean=round(sum(vmaf) / len(vmaf), 2), vmaf_low=round(sum(worst) / len(worst), 2))
