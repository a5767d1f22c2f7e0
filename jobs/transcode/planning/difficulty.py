"""Measures how hard a source is to encode, on a few short samples, before anything is decided."""

from contextlib import AbstractContextManager
from pathlib import Path

from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media.facts import VideoFacts
from pipeline.media.sandbox.conversation import SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed
from pipeline.media.sandbox.start import started_early

# Samples lie at key frames, which a long file may have few of; this is far above what any of the corpus takes.
DEADLINE_S = 120
_SAMPLER = "jobs.transcode.planning.difficulty_child:sample_source"


class SampleRequest(Contract):
    """`sides` are the short sides (px) whose loss of detail is asked for."""

    source: str
    video: VideoFacts
    sides: tuple[int, ...]
    max_pixels: int
    max_streams: int


class Detail(Contract):
    """What is lost by scaling to a short side of `side_px` and back: PSNR of luma (dB), of the worst sample.

    Where the first samples lose enough to be seen, later ones are not measured.
    """

    side_px: int
    psnr_db: float


class Difficulty(Contract):
    """`motion_bpp` is what a quick encode spends on pictures after the first, in bits a pixel; None without samples.

    It is the mean of the samples until there is no doubt that much moves, or of all.
    """

    samples: int
    motion_bpp: float | None
    details: tuple[Detail, ...]

    def psnr_db(self, side_px: int) -> float | None:
        return next((detail.psnr_db for detail in self.details if detail.side_px == side_px), None)


UNMEASURED = Difficulty(samples=0, motion_bpp=None, details=())


def measure_difficulty(
    source: Path, video: VideoFacts, *, sides: tuple[int, ...], limits: TranscodeLimits
) -> Difficulty:
    """Decodes a second or two in all; what cannot be read is left out, since refusing is for others to do."""
    return run_sandboxed(
        _SAMPLER,
        SampleRequest(
            source=str(source),
            video=video,
            sides=sides,
            max_pixels=limits.max_pixels,
            max_streams=limits.max_streams,
        ),
        reply=Difficulty,
        limits=_sandbox(limits),
    )


def sampling_soon() -> AbstractContextManager[None]:
    """Within it `measure_difficulty` finds its child started."""
    return started_early(_SAMPLER)


def _sandbox(limits: TranscodeLimits) -> SandboxLimits:
    return SandboxLimits(memory_mib=limits.decoder_memory_mib, cpu_s=DEADLINE_S, deadline_s=DEADLINE_S)
