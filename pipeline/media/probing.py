"""The sandboxed half of `pipeline.media.probe`: opens, surveys and decodes one picture."""

import io
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.errors import PermanentError
from pipeline.media.facts import AudioFacts, Colour, Orientation, SourceFacts, VideoFacts
from pipeline.media.frame_rate import choose_rate
from pipeline.media.opening import UNREADABLE, find_audio, find_video, open_source, refuse_broken_off
from pipeline.media.packets import read_packets
from pipeline.media.probe import ProbeFile, ProbeLimits
from pipeline.media.survey import TrackSurvey, survey_packets
from pipeline.reasons import Reason

# Below this the encoder has no macroblock to work on.
MIN_SIDE_PX = 16
# A stream joined in the middle shows its first picture within a few seconds of packets.
FIRST_PICTURE_PACKETS = 600
# Wider pixels than these are a broken header, not an anamorphic recording.
WIDEST_PIXEL = 8
# What the encoder takes, and more than any screen or decoder of a phone.
MAX_SIDE_PX = 16_384
# YCgCo, ICtCp, IPT and their kin (ISO/IEC 23091-2): FFmpeg's scaler would show them in wrong colours.
UNKNOWN_MATRICES = frozenset({8, 11, 13, 14, 15, 16, 17})


def probe_file(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = ProbeFile.model_validate_json(request)
    path = Path(asked.path)
    facts = probe_source(path, path.stat().st_size, asked.limits, at_most=None)
    return facts.model_dump(mode="json")


def probe_source(
    source: Path | io.RawIOBase, size_bytes: int, limits: ProbeLimits, *, at_most: int | None
) -> SourceFacts:
    """`at_most` packets are surveyed; None stands for all of them."""
    with open_source(source, max_streams=limits.max_streams) as container:
        refuse_broken_off(source, container)
        video = find_video(container, max_pixels=limits.max_pixels)
        audio = find_audio(container)
        header_s = container.duration / 1_000_000 if container.duration else None
        if at_most is not None and _declared_s(video, header_s) is None:
            at_most = None
        pictures, sounds, complete = survey_packets(container, video, audio, at_most=at_most)
        if pictures.packets == 0:
            raise PermanentError(Reason.EMPTY_VIDEO, "the picture track holds nothing")
        if pictures.encrypted or (sounds is not None and sounds.encrypted):
            # Also where the first minutes are in the clear.
            raise PermanentError(Reason.ENCRYPTED, "its packets are marked as encrypted")
    # While no index of a long file is held beside them.
    pictures.in_order()
    # Opened again instead of rewound: not every container of the list can seek.
    if isinstance(source, io.RawIOBase):
        source.seek(0)
    with open_source(source, max_streams=limits.max_streams) as container:
        frame = _first_picture(container, find_video(container, max_pixels=limits.max_pixels), pictures)
        video = find_video(container, max_pixels=limits.max_pixels)
        pictures.refuse_bad_stamps(limits.max_gap_s)
        pictures.refuse_fast(limits.max_source_rate)
        pictures.refuse_loss(sounds)
        if sounds is not None:
            pictures.refuse_hole_beside(sounds, limits.max_gap_s)
        seen = _video_facts(
            video, frame, pictures, header_s=header_s, complete=complete, max_rate=limits.max_output_rate
        )
        heard = _audio_facts(find_audio(container), sounds, header_s=header_s, complete=complete)
        duration_s = _duration_s(seen, heard)
        if duration_s > limits.max_duration_s:
            raise PermanentError(Reason.TOO_LONG, f"{duration_s:.0f} s, at most {limits.max_duration_s:.0f} s")
        return SourceFacts(
            container=container.format.name,
            size_bytes=size_bytes,
            duration_s=duration_s,
            header_s=header_s,
            video=seen,
            audio=heard,
            video_streams=len(container.streams.video),
            audio_streams=len(container.streams.audio),
            other_streams=len(container.streams) - len(container.streams.video) - len(container.streams.audio),
            complete=complete,
        )


def _first_picture(container: InputContainer, video: VideoStream, pictures: TrackSurvey) -> VideoFrame:
    video.codec_context.thread_count = 1
    for number, packet in enumerate(read_packets(container, video)):
        if number > FIRST_PICTURE_PACKETS:
            break
        with suppress(*UNREADABLE):
            for frame in packet.decode():
                _refuse_small(frame)
                return frame
    raise PermanentError(Reason.EMPTY_VIDEO, f"no picture in {pictures.packets} packets of {video.codec.name}")


def _refuse_small(frame: VideoFrame) -> None:
    if min(frame.width, frame.height) < MIN_SIDE_PX:
        raise PermanentError(Reason.TOO_SMALL, f"{frame.width}x{frame.height}, at least {MIN_SIDE_PX} pixels")


def _video_facts(
    video: VideoStream,
    frame: VideoFrame,
    pictures: TrackSurvey,
    *,
    header_s: float | None,
    complete: bool,
    max_rate: int,
) -> VideoFacts:
    orientation = read_orientation(frame)
    width, height = display_size(frame.width, frame.height, video.sample_aspect_ratio, orientation)
    if max(width, height) > MAX_SIDE_PX:
        raise PermanentError(Reason.DIMENSIONS_EXCEEDED, f"{width}x{height}, at most {MAX_SIDE_PX} pixels a side")
    if int(frame.colorspace) in UNKNOWN_MATRICES:
        raise PermanentError(Reason.UNSUPPORTED_CODEC, f"colours by matrix {int(frame.colorspace)} of ISO/IEC 23091-2")
    hints = [rate for rate in (video.guessed_rate, video.average_rate, video.base_rate) if rate]
    stamps = pictures.in_order()
    rate, variable = choose_rate(stamps, pictures.time_base, hints, max_rate=max_rate)
    declared = _declared_s(video, None)
    if declared is not None and video.container.format.name == "avi":
        # AVI counts from its first place for a picture, which may be empty.
        declared = max(0.0, declared - pictures.start_s)
    length = declared or header_s
    measured = _measured_s(pictures, stamps, float(1 / rate))
    return VideoFacts(
        index=video.index,
        codec=video.codec.name,
        coded_width=frame.width,
        coded_height=frame.height,
        display_width=width,
        display_height=height,
        orientation=orientation,
        pixel_format=frame.format.name,
        bit_depth=max(component.bits for component in frame.format.components),
        rate_num=rate.numerator,
        rate_den=rate.denominator,
        variable_rate=variable,
        # FFmpeg's AVFieldOrder: 0 unknown, 1 progressive, above that some order of fields.
        interlaced=frame.interlaced_frame or video.codec_context.field_order > 1,
        colour=Colour(
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
            matrix=int(frame.colorspace),
            full_range=int(frame.color_range) == 2 or frame.format.name.startswith("yuvj"),
        ),
        start_s=pictures.start_s,
        duration_s=measured if complete or length is None else length,
        declared_s=declared,
        packets=pictures.packets,
    )


def _measured_s(pictures: TrackSurvey, stamps: Sequence[int], period_s: float) -> float:
    """From the first picture to the end of the last, which some containers give no length, and others a rounded one."""
    last_s = float(stamps[-1] * pictures.time_base) if stamps else pictures.start_s
    held_s = pictures.end_s - last_s
    return last_s + (held_s if held_s >= 2 * period_s else period_s) - pictures.start_s


def _audio_facts(
    audio: AudioStream | None, sounds: TrackSurvey | None, *, header_s: float | None, complete: bool
) -> AudioFacts | None:
    if audio is None or sounds is None or (complete and sounds.packets == 0):
        return None
    declared = _declared_s(audio, header_s)
    return AudioFacts(
        index=audio.index,
        codec=audio.codec.name,
        channels=audio.codec_context.channels,
        sample_rate=audio.codec_context.sample_rate,
        language=audio.language if audio.language not in (None, "und") else None,
        start_s=sounds.start_s,
        duration_s=sounds.end_s - sounds.start_s if complete or declared is None else declared,
    )


def _declared_s(stream: VideoStream | AudioStream, header_s: float | None) -> float | None:
    """The track's own duration, else the whole file's."""
    if stream.duration is not None and stream.time_base is not None and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    return header_s


def _duration_s(video: VideoFacts, audio: AudioFacts | None) -> float:
    if audio is None:
        return video.duration_s
    return max(video.start_s + video.duration_s, audio.start_s + audio.duration_s) - min(video.start_s, audio.start_s)


def read_orientation(frame: VideoFrame) -> Orientation:
    """From the display matrix (ISO/IEC 14496-12, 8.3.2): nine big numbers, of which four turn and mirror."""
    matrix = _display_matrix(frame)
    if matrix is None:
        return Orientation()
    a, b, _, c, d, *_ = struct.unpack("<9i", matrix)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    upright = abs(a) >= abs(b)
    quarter_turns = (0 if a >= 0 else 2) if upright else (1 if b > 0 else 3)
    return Orientation(mirrored=mirrored, quarter_turns=quarter_turns)


def _display_matrix(frame: VideoFrame) -> bytes | None:
    # A mapping of its own kind, which its stubs describe as a plain dictionary.
    attached = cast("SideDataContainer", frame.side_data)
    return bytes(attached[SideDataType.DISPLAYMATRIX]) if SideDataType.DISPLAYMATRIX in attached else None


def display_size(width: int, height: int, pixel: Fraction | None, orientation: Orientation) -> tuple[int, int]:
    """Pixels of a square-pixel picture that looks the same: the longer way is kept, the other is stretched."""
    if pixel is not None and pixel > 0 and Fraction(1, WIDEST_PIXEL) <= pixel <= WIDEST_PIXEL:
        if pixel > 1:
            width = round(width * pixel)
        else:
            height = round(height / pixel)
    return (height, width) if orientation.swaps_sides else (width, height)
