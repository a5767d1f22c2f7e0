"""Makes the segments of a part of a plan, in one sandboxed child that decodes the source once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from jobs.transcode.parts.cutting import Part
from jobs.transcode.planning.plan import Plan
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media import gpu
from pipeline.media.facts import VideoFacts
from pipeline.media.sandbox.conversation import News, SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed
from pipeline.media.sandbox.start import started_early

_ENCODER = "jobs.transcode.encoding.encode_child:encode_part"
# With numpy it takes as long to load as all else of the child.
_HDR_MAPPER = "jobs.transcode.colours.mapping"
# The key of the child's news that a picture has left an encoder, the first of all; its value is the rendition's name.
FIRST_PICTURE = "first_picture"


class EncodeRequest(Contract):
    """Paths are of this machine; parts of one plan may share the folder `output`."""

    source: str
    output: str
    plan: Plan
    part: Part
    devices: DeviceWish
    max_pixels: int
    max_streams: int


class SoundRequest(Contract):
    """For the sound alone, of a plan that has some."""

    source: str
    output: str
    plan: Plan
    max_streams: int


# A long video has a hundred thousand of these, which are held while its pictures are encoded: named tuples take a
# quarter of the memory of contracts.


class KeyFact(NamedTuple):
    """A key frame in a segment: where its fragment begins, how far its own bytes go, how long until the next one."""

    offset: int
    bytes: int
    units: int


class SegmentFact(NamedTuple):
    """A written segment: its length in units of the track's timescale, and its size. Sound has no `keys`."""

    units: int
    bytes: int
    keys: tuple[KeyFact, ...] = ()


class TrackFacts(Contract):
    """A written track: `index.m3u8` of its folder will list its segments, `init.mp4` is beside them.

    Of a part's tracks the first of the segments has the number `first_segment`.
    """

    folder: str
    timescale: int
    codecs: str
    init_bytes: int
    init_sha256: str
    first_segment: int
    segments: tuple[SegmentFact, ...]


class CoverageFacts(Contract):
    """How many pictures of the source were decoded, how many of them are broken, and when the last one ends."""

    pictures: int
    broken: int
    ends_s: float


class EncodeReport(Contract):
    """What was written, and with what. Renditions are in the order of the plan's rungs, and so are their presets."""

    encoder: str
    presets: tuple[str, ...]
    decoder: str
    device_notes: tuple[str, ...]
    coverage: CoverageFacts
    renditions: tuple[TrackFacts, ...]
    audio: TrackFacts | None


def encode(
    plan: Plan,
    part: Part,
    *,
    source: Path,
    output: Path,
    devices: DeviceWish,
    limits: TranscodeLimits,
    progress: Callable[[float], None],
    listen: Callable[[News], None] | None = None,
) -> EncodeReport:
    """Write init and media segments of every rendition, and of the sound if it is the part's, below `output`.

    Raises TRUNCATED or CORRUPT where the pictures of a whole do not last as long as the file claims, GPU_UNAVAILABLE
    where a GPU that was asked for cannot be had, besides all that `run_sandboxed` raises. `listen` is told of the first
    encoded picture.
    """
    return run_sandboxed(
        _ENCODER,
        EncodeRequest(
            source=str(source),
            output=str(output),
            plan=plan,
            part=part,
            devices=devices,
            max_pixels=limits.max_pixels,
            max_streams=limits.max_streams,
        ),
        reply=EncodeReport,
        limits=_limits_on(devices, limits),
        progress=progress,
        listen=listen,
    )


def encoding_soon(video: VideoFacts) -> AbstractContextManager[None]:
    """Within it the first `encode`, which will be of such pictures, finds its child started."""
    return started_early(_ENCODER, *((_HDR_MAPPER,) if video.colour.is_hdr else ()))


def encode_sound_alone(
    plan: Plan, *, source: Path, output: Path, limits: TranscodeLimits, progress: Callable[[float], None]
) -> TrackFacts:
    """Write init and media segments of all of the sound below `output`; the plan has some."""
    return run_sandboxed(
        "jobs.transcode.sound.track_child:encode_sound_track",
        SoundRequest(source=str(source), output=str(output), plan=plan, max_streams=limits.max_streams),
        reply=TrackFacts,
        limits=_limits(limits, address_mib=None),
        progress=progress,
    )


def _limits_on(devices: DeviceWish, limits: TranscodeLimits) -> SandboxLimits:
    on_gpu = devices.may_use_gpu and gpu.has_device()
    return _limits(limits, address_mib=gpu.ADDRESS_SPACE_MIB if on_gpu else None)


def _limits(limits: TranscodeLimits, *, address_mib: int | None) -> SandboxLimits:
    return SandboxLimits(
        memory_mib=limits.decoder_memory_mib,
        address_mib=address_mib,
        cpu_s=limits.decoder_cpu_s,
        # A segment is a few MB; nothing that a job writes comes near this.
        file_mib=1024,
        deadline_s=limits.decoder_cpu_s,
    )
