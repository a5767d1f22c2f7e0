"""Reopens everything that was written and refuses what a player would stumble over."""

from collections.abc import Sequence
from pathlib import Path

from jobs.transcode.parts.cutting import Part
from jobs.transcode.planning.plan import KEY_FRAME_S, Grid, Plan
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media.sandbox.conversation import SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed

# The most that sound may be ordered with to be, with its container, surely below 192 kbit/s.
LOW_SOUND_BPS = 160_000


class VerifyRequest(Contract):
    """`source_s` is how long the stream should last; `grid` where its segments should begin.

    `sizes` are those of the renditions, small to large. A stream that can have a variant for the worst of connections
    needs one.
    """

    output: str
    grid: Grid
    sizes: tuple[tuple[int, int], ...]
    has_audio: bool
    key_frame_s: int = KEY_FRAME_S
    needs_low_variant: bool
    source_s: float


class VerifyReply(Contract):
    """What was read over all tracks: segments by their boxes, pictures by decoding."""

    segments: int
    pictures: int


def verify_request(plan: Plan, *, output: Path, source_s: float) -> VerifyRequest:
    return VerifyRequest(
        output=str(output),
        grid=plan.grid,
        sizes=tuple((rung.width, rung.height) for rung in plan.rungs),
        has_audio=plan.audio is not None,
        # Sound alone is one, unless it was ordered at a rate that it hardly or not at all fits, or is too short for
        # an encoder to have come down to its rate.
        needs_low_variant=(
            plan.audio is not None and plan.audio_bps <= LOW_SOUND_BPS and plan.grid.duration_s >= plan.grid.segment_s
        ),
        source_s=source_s,
    )


def verify(plan: Plan, parts: Sequence[Part], *, output: Path, source_s: float, limits: TranscodeLimits) -> VerifyReply:
    """Raises VERIFY_FAILED with the file and what is wrong with it. Of several parts each was decoded by itself."""
    whole = "jobs.transcode.verify.verify_child:verify_stream"
    return run_sandboxed(
        whole if len(parts) == 1 else "jobs.transcode.verify.verify_child:verify_joined",
        verify_request(plan, output=output, source_s=source_s),
        reply=VerifyReply,
        limits=SandboxLimits(
            memory_mib=limits.decoder_memory_mib, cpu_s=limits.decoder_cpu_s, deadline_s=limits.decoder_cpu_s
        ),
    )
