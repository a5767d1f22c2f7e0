"""Makes all segments of a plan, in one sandboxed child that decodes the source once."""

from collections.abc import Callable
from pathlib import Path

from jobs.transcode.plan import Plan
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.media import gpu
from pipeline.media.sandbox import SandboxLimits, run_sandboxed


class EncodeRequest(Contract):
    """Paths are of this machine; `output` is an empty folder."""

    source: str
    output: str
    plan: Plan
    devices: DeviceWish
    max_pixels: int
    max_streams: int


class KeyFact(Contract):
    """A key frame in a segment: where its fragment begins, how far its own bytes go, how long until the next one."""

    offset: int
    bytes: int
    units: int


class SegmentFact(Contract):
    """A written segment: its length in units of the track's timescale, and its size. Sound has no `keys`."""

    units: int
    bytes: int
    keys: tuple[KeyFact, ...] = ()


class TrackFacts(Contract):
    """A written track: `index.m3u8` of its folder will list its segments, `init.mp4` is beside them."""

    folder: str
    timescale: int
    codecs: str
    init_bytes: int
    segments: tuple[SegmentFact, ...]


class EncodeReport(Contract):
    """What was written, and with what. Renditions are in the order of the plan's rungs, and so are their presets."""

    encoder: str
    presets: tuple[str, ...]
    decoder: str
    device_notes: tuple[str, ...]
    renditions: tuple[TrackFacts, ...]
    audio: TrackFacts | None


def encode(
    plan: Plan,
    *,
    source: Path,
    output: Path,
    devices: DeviceWish,
    limits: TranscodeLimits,
    progress: Callable[[float], None],
) -> EncodeReport:
    """Write init and media segments of every rendition and of the sound below `output`.

    Raises TRUNCATED or CORRUPT where the pictures do not last as long as the file claims, GPU_UNAVAILABLE where a
    GPU that was asked for cannot be had, besides all that `run_sandboxed` raises.
    """
    return run_sandboxed(
        "jobs.transcode.encoding:encode_plan",
        EncodeRequest(
            source=str(source),
            output=str(output),
            plan=plan,
            devices=devices,
            max_pixels=limits.max_pixels,
            max_streams=limits.max_streams,
        ),
        reply=EncodeReport,
        limits=SandboxLimits(
            memory_mib=limits.decoder_memory_mib,
            address_mib=gpu.ADDRESS_SPACE_MIB if devices.may_use_gpu and gpu.has_device() else None,
            cpu_s=limits.decoder_cpu_s,
            # A segment is a few MB; nothing that a job writes comes near this.
            file_mib=1024,
            deadline_s=limits.decoder_cpu_s,
        ),
        progress=progress,
    )
