"""Makes the still picture that stands for the video, from the best of our own renditions."""

from pathlib import Path

from jobs.transcode.encode import TrackFacts
from jobs.transcode.layout import THUMBNAIL_NAME
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media.sandbox import SandboxLimits, run_sandboxed

THUMBNAIL_DEADLINE_S = 120


class ThumbnailRequest(Contract):
    """`folder` holds the track's init and media segments; the JPEG is written to `target`."""

    folder: str
    segments: int
    target: str


class ThumbnailReply(Contract):
    """Which segment's first picture was taken, and its size."""

    segment: int
    width: int
    height: int


def draw_thumbnail(track: TrackFacts, *, output: Path, limits: TranscodeLimits) -> ThumbnailReply:
    """Write `thumbnail.jpg`: upright and in the picture's own shape, since renditions are."""
    return run_sandboxed(
        "jobs.transcode.thumbnailing:draw_thumbnail",
        ThumbnailRequest(
            folder=str(output / track.folder), segments=len(track.segments), target=str(output / THUMBNAIL_NAME)
        ),
        reply=ThumbnailReply,
        limits=SandboxLimits(
            memory_mib=limits.decoder_memory_mib,
            cpu_s=THUMBNAIL_DEADLINE_S,
            deadline_s=THUMBNAIL_DEADLINE_S,
            file_mib=16,
        ),
    )
