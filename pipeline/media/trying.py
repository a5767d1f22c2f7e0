"""The sandboxed half of `pipeline.media.capabilities`."""

from collections.abc import Callable
from fractions import Fraction
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.media.capabilities import Capabilities, CapabilitiesRequest, CodecCheck
from pipeline.media.words import words_of_failure

# NVENC takes no picture smaller than 145x49.
TRIED_SIZE = (320, 240)
# NVDEC holds some back.
DECODED_PICTURES = 12
AUDIO_RATE = 48_000
HARDWARE = ("_nvenc", "_cuvid", "_vaapi", "_qsv", "_amf", "_videotoolbox")


def try_codecs(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = CapabilitiesRequest.model_validate_json(request)
    video = [_check(name, _encode_picture) for name in asked.video]
    audio = [_check(name, _encode_sound) for name in asked.audio]
    found = Capabilities(
        pyav_version=av.__version__,
        ffmpeg_version=av.ffmpeg_version_info,
        libraries={name: ".".join(map(str, version)) for name, version in av.library_versions.items()},
        encoders=(*video, *audio),
        decoders=tuple(_check(name, _decode_pictures) for name in asked.h264_decoders),
    )
    return found.model_dump(mode="json")


def _check(name: str, work: Callable[[str], int]) -> CodecCheck:
    problem = words_of_failure(lambda: None if work(name) else "it made nothing")
    return CodecCheck(name=name, hardware=name.endswith(HARDWARE), problem=problem)


def _encode_picture(name: str) -> int:
    return len(_packets(name, 1))


def _packets(name: str, pictures: int) -> "list[Packet[VideoStream]]":
    encoder = cast("VideoCodecContext", av.CodecContext.create(name, "w"))
    encoder.width, encoder.height = TRIED_SIZE
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    packets = []
    for number in range(pictures):
        frame = VideoFrame(*TRIED_SIZE, "yuv420p")
        frame.pts, frame.time_base = number, encoder.time_base
        packets += encoder.encode(frame)
    return [*packets, *encoder.encode(None)]


def _decode_pictures(name: str) -> int:
    packets = _packets("libx264", DECODED_PICTURES)
    decoder = cast("VideoCodecContext", av.CodecContext.create(name, "r"))
    return sum(len(decoder.decode(packet)) for packet in (*packets, None))


def _encode_sound(name: str) -> int:
    encoder = cast("AudioCodecContext", av.CodecContext.create(name, "w"))
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_RATE, "stereo", "fltp"
    encoder.time_base = Fraction(1, AUDIO_RATE)
    frame = AudioFrame(format="fltp", layout="stereo", samples=1024)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, 0, encoder.time_base
    return len([*encoder.encode(frame), *encoder.encode(None)])
