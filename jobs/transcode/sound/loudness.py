"""Brings sound to an ordered loudness (EBU R128), in two passes over the sound alone: measure here, change in `track`.

A lecture recorded too softly becomes as loud as the others of its course. One gain is applied to all of it, so that
what was soft stays softer than what was loud; a limiter holds peaks that the gain would push too high.
"""

from pathlib import Path

from jobs.transcode.planning.plan import Plan
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media.sandbox.conversation import SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed

# EBU R128's gate: what measures this is silence, and stays so.
SILENCE_LUFS = -70.0
# More than this would raise the noise of a room to a voice's loudness.
MOST_GAIN_DB = 24.0


class LoudnessRequest(Contract):
    source: str
    stream: int
    max_streams: int


class LoudnessReply(Contract):
    """Integrated loudness of the whole sound, as stereo at the output's rate."""

    integrated_lufs: float


def level_sound(plan: Plan, *, target_lufs: float | None, source: Path, limits: TranscodeLimits) -> Plan:
    """The plan with the gain that makes its sound as loud as ordered; as it is where nothing was ordered."""
    if target_lufs is None or plan.audio is None:
        return plan
    measured = run_sandboxed(
        "jobs.transcode.sound.loudness_child:measure_loudness",
        LoudnessRequest(source=str(source), stream=plan.audio.index, max_streams=limits.max_streams),
        reply=LoudnessReply,
        limits=SandboxLimits(
            memory_mib=limits.decoder_memory_mib, cpu_s=limits.decoder_cpu_s, deadline_s=limits.decoder_cpu_s
        ),
    )
    return plan.model_copy(update={"gain_db": gain_db(measured.integrated_lufs, target_lufs=target_lufs)})


def gain_db(integrated_lufs: float, *, target_lufs: float) -> float:
    if integrated_lufs <= SILENCE_LUFS:
        return 0.0
    return min(target_lufs - integrated_lufs, MOST_GAIN_DB)
