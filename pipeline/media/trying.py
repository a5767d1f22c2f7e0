"""The sandboxed half of `pipeline.media.capabilities`."""

from collections.abc import Callable
from fractions import Fraction
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from pipeline.media.capabilities import Capabilities, CapabilitiesRequest, EncoderCheck

# NVENC takes no picture smaller than 145x49.
TRIED_SIZE = (320, 240)
AUDIO_RATE = 48_000


def try_encoders(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    av.logging.set_level(av.logging.ERROR)
    asked = CapabilitiesRequest.model_validate_json(request)
    video = [_check(name, _encode_picture) for name in asked.video]
    audio = [_check(name, _encode_sound) for name in asked.audio]
    found = Capabilities(
        pyav_version=av.__version__,
        ffmpeg_version=av.ffmpeg_version_info,
        libraries={name: ".".join(map(str, version)) for name, version in av.library_versions.items()},
        encoders=(*video, *audio),
    )
    return found.model_dump(mode="json")


def _check(name: str, encode: Callable[[str], int]) -> EncoderCheck:
    hardware = name.endswith(("_nvenc", "_vaapi", "_qsv", "_amf", "_videotoolbox"))
    try:
        packets = encode(name)
    except (av.error.FFmpegError, av.codec.codec.UnknownCodecError, ValueError) as error:
        return EncoderCheck(name=name, hardware=hardware, problem=_words(error))
    return EncoderCheck(name=name, hardware=hardware, problem=None if packets else "it made no packet")


def _words(error: Exception) -> str:
    """What the encoder logged last says more than the code that it returned."""
    logged = getattr(error, "log", None)
    if logged:
        return str(logged[-1]).strip()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _encode_picture(name: str) -> int:
    encoder = cast("VideoCodecContext", av.CodecContext.create(name, "w"))
    encoder.width, encoder.height = TRIED_SIZE
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    frame = VideoFrame(*TRIED_SIZE, "yuv420p")
    frame.pts, frame.time_base = 0, encoder.time_base
    return len([*encoder.encode(frame), *encoder.encode(None)])


def _encode_sound(name: str) -> int:
    encoder = cast("AudioCodecContext", av.CodecContext.create(name, "w"))
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_RATE, "stereo", "fltp"
    encoder.time_base = Fraction(1, AUDIO_RATE)
    frame = AudioFrame(format="fltp", layout="stereo", samples=1024)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, 0, encoder.time_base
    return len([*encoder.encode(frame), *encoder.encode(None)])
