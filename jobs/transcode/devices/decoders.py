"""Decodes a source's packets: with the container's own decoders, or the pictures on NVDEC."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import av
from av.frame import Frame
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from jobs.transcode.devices.decide import NVDEC_DECODERS
from jobs.transcode.planning.ladder import RungPlan
from pipeline.media.facts import VideoFacts
from pipeline.media.opening import find_video, open_source
from pipeline.media.words import words_of_failure

# A decoder may hold back as many pictures as a group has references, and NVDEC a few more.
TRIED_PACKETS = 48


class PictureDecoder:
    """Decodes the picture track with a decoder of its own name, all else with the container's.

    Pictures may come out smaller than they are coded: NVDEC resizes while it decodes, so that less is copied. That is
    why FFmpeg's cuvid decoders are used, and not PyAV's HWAccel, which cannot.
    """

    def __init__(self, video: VideoStream, name: str, *, size: tuple[int, int] | None = None) -> None:
        self._index = video.index
        self._context = cast("VideoCodecContext", av.CodecContext.create(name, "r"))
        self._context.extradata = video.codec_context.extradata
        if size is not None:
            self._context.options = {"resize": f"{size[0]}x{size[1]}"}

    def decode(self, packet: "Packet[Stream] | Packet[VideoStream]") -> Sequence[Frame]:
        # The empty packet that ends each track names its stream, and has stream_index 0 whichever it is.
        if packet.stream.index != self._index:
            return cast("Sequence[Frame]", packet.decode())
        return self._context.decode(packet)


def nvdec_name(video: VideoStream) -> str | None:
    """FFmpeg's decoder of this track on NVDEC, None where there is none."""
    return NVDEC_DECODERS.get(codec_name(video))


def codec_name(video: VideoStream) -> str:
    """The codec's own name, whichever decoder FFmpeg chose for it."""
    return video.codec_context.codec.canonical_name


def size_from_decoder(video: VideoFacts, top: RungPlan) -> tuple[int, int] | None:
    """What NVDEC resizes pictures to: the largest rung, in the source's own orientation; None for as coded.

    Fields of an interlaced picture would be mixed, and enlarging copies more than it saves.
    """
    size = (top.height, top.width) if video.orientation.swaps_sides else (top.width, top.height)
    if video.interlaced or size[0] >= video.coded_width or size[1] >= video.coded_height:
        return None
    return size


def try_decoder(
    source: Path, name: str, *, size: tuple[int, int] | None, max_streams: int, max_pixels: int
) -> str | None:
    """Decode the source's first picture; FFmpeg's words where that fails."""

    def decode() -> str | None:
        with open_source(source, max_streams=max_streams) as container:
            video = find_video(container, max_pixels=max_pixels)
            decoder = PictureDecoder(video, name, size=size)
            for number, packet in enumerate(container.demux(video)):
                for frame in decoder.decode(packet):
                    assert isinstance(frame, av.VideoFrame)
                    shown = (frame.width, frame.height)
                    return f"{name} made {shown} where {size} was asked for" if size not in (None, shown) else None
                if number >= TRIED_PACKETS:
                    break
        return f"{name} showed no picture of {TRIED_PACKETS} packets"

    return words_of_failure(decode)
