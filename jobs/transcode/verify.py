"""Reopens everything that was written and refuses what a player would stumble over."""

from pathlib import Path

from jobs.transcode.plan import Grid, Plan
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media.sandbox import SandboxLimits, run_sandboxed


class VerifyRequest(Contract):
    """`source_s` is how long the stream should last; `grid` where its segments should begin."""

    output: str
    grid: Grid
    source_s: float


class VerifyReply(Contract):
    """What was read: bytes and pictures over all tracks."""

    segments: int
    pictures: int


def verify(plan: Plan, *, output: Path, source_s: float, limits: TranscodeLimits) -> VerifyReply:
    """Raises VERIFY_FAILED with the file and what is wrong with it."""
    return run_sandboxed(
        "jobs.transcode.verifying:verify_stream",
        VerifyRequest(output=str(output), grid=plan.grid, source_s=source_s),
        reply=VerifyReply,
        limits=SandboxLimits(
            memory_mib=limits.decoder_memory_mib, cpu_s=limits.decoder_cpu_s, deadline_s=limits.decoder_cpu_s
        ),
    )
