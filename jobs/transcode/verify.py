"""Reopens everything that was written and refuses what a player would stumble over."""

from pathlib import Path

from jobs.transcode.plan import Grid, Plan
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media.sandbox import SandboxLimits, run_sandboxed


class VerifyRequest(Contract):
    """`source_s` is how long the stream should last; `grid` where its segments should begin.

    `sizes` are those of the renditions, small to large.
    """

    output: str
    grid: Grid
    sizes: tuple[tuple[int, int], ...]
    has_audio: bool
    source_s: float


class VerifyReply(Contract):
    """What was read: bytes and pictures over all tracks."""

    segments: int
    pictures: int


def verify_request(plan: Plan, *, output: Path, source_s: float) -> VerifyRequest:
    return VerifyRequest(
        output=str(output),
        grid=plan.grid,
        sizes=tuple((rung.width, rung.height) for rung in plan.rungs),
        has_audio=plan.audio is not None,
        source_s=source_s,
    )


def verify(plan: Plan, *, output: Path, source_s: float, limits: TranscodeLimits) -> VerifyReply:
    """Raises VERIFY_FAILED with the file and what is wrong with it."""
    return run_sandboxed(
        "jobs.transcode.verifying:verify_stream",
        verify_request(plan, output=output, source_s=source_s),
        reply=VerifyReply,
        limits=SandboxLimits(
            memory_mib=limits.decoder_memory_mib, cpu_s=limits.decoder_cpu_s, deadline_s=limits.decoder_cpu_s
        ),
    )
