"""Says what a source is, or refuses it with a reason. Nothing is decoded in the caller's process.

Both functions raise `PermanentError` with the reason of the refusal; `probe_url` also `TransientError` when the
store does not answer.
"""

from pathlib import Path
from typing import Self

from pydantic import Field

from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media.facts import SourceFacts
from pipeline.media.probing_soon import FILE_PROBER
from pipeline.media.sandbox.conversation import SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed


class ProbeLimits(Contract):
    """Of the source (pixels a frame, streams, seconds) and of the process that reads it."""

    max_pixels: int = TranscodeLimits().max_pixels
    max_streams: int = TranscodeLimits().max_streams
    max_duration_s: float = TranscodeLimits().max_duration_s
    max_gap_s: float = TranscodeLimits().max_gap_s
    max_source_rate: float = TranscodeLimits().max_source_rate
    max_output_rate: int = TranscodeLimits().max_output_rate
    # What `probe_url` reads at most: an index at each end of the file, and some pictures.
    max_read_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    memory_mib: int = Field(default=TranscodeLimits().probe_memory_mib, ge=256)
    timeout_s: float = Field(default=20.0, gt=0)

    @classmethod
    def of(cls, limits: TranscodeLimits, *, timeout_s: float) -> Self:
        return cls(
            max_pixels=limits.max_pixels,
            max_streams=limits.max_streams,
            max_duration_s=limits.max_duration_s,
            max_gap_s=limits.max_gap_s,
            max_source_rate=limits.max_source_rate,
            max_output_rate=limits.max_output_rate,
            memory_mib=limits.probe_memory_mib,
            timeout_s=timeout_s,
        )


class ProbeFile(Contract):
    """Request to the child: a file of this machine."""

    path: str
    limits: ProbeLimits


class ProbeUrl(Contract):
    """Request to the child: an object behind a presigned URL, which FFmpeg never sees."""

    url: str = Field(repr=False)
    size_bytes: int
    limits: ProbeLimits


def probe_file(path: Path, limits: ProbeLimits) -> SourceFacts:
    """Read every packet of the file and decode one picture; durations, gaps and the rate are measured."""
    return run_sandboxed(
        FILE_PROBER,
        ProbeFile(path=str(path), limits=limits),
        reply=SourceFacts,
        limits=_sandbox(limits),
    )


def probe_url(url: str, size_bytes: int, limits: ProbeLimits) -> SourceFacts:
    """Read the header and the first packets by ranged GETs and decode one picture.

    Where the header does not tell the duration, packets are read until the end or until `max_read_bytes`; the
    duration is then that of what was read (`complete` says which).
    """
    return run_sandboxed(
        "pipeline.media.probing_url:probe_url",
        ProbeUrl(url=url, size_bytes=size_bytes, limits=limits),
        reply=SourceFacts,
        limits=_sandbox(limits),
    )


def _sandbox(limits: ProbeLimits) -> SandboxLimits:
    return SandboxLimits(
        memory_mib=limits.memory_mib, cpu_s=max(1, round(limits.timeout_s)), deadline_s=limits.timeout_s
    )
