"""Tries what the job may use, on this source and these renditions, and hands over what works. For the sandbox."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
from av.frame import Frame
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from jobs.transcode.devices.decide import NO_DEVICE, Choice, choose_decoder, choose_encoder, doubt
from jobs.transcode.devices.decoders import PictureDecoder, codec_name, nvdec_name, size_from_decoder, try_decoder
from jobs.transcode.devices.encoders import NVENC, X264, VideoEncoder, try_encoder
from jobs.transcode.encoding.encode import EncodeRequest
from jobs.transcode.encoding.pictures import output_matrix
from pipeline.contracts.devices import DeviceWish
from pipeline.errors import PermanentError, TransientError
from pipeline.media import gpu
from pipeline.reasons import Reason

# A second thread costs a sixth of the CPU time of decoding 1080p slides, and holds more pictures. It pays where
# decoding is what all others wait for: above this size.
ALONE_UP_TO_PIXELS = 1920 * 1088


@dataclass(frozen=True)
class Engines:
    """What the job works with; `decode` makes frames of a packet of any track. `notes` say what was passed over."""

    encoder: VideoEncoder
    decoder_name: str
    decode: Callable[["Packet[Stream]"], Sequence[Frame]]
    notes: tuple[str, ...]
    encodes_on_gpu: bool
    decodes_on_gpu: bool

    @contextmanager
    def judging_failures(self, wish: DeviceWish) -> Iterator[None]:
        """What goes wrong on a GPU says less about the source than what goes wrong on a CPU."""
        try:
            yield
        except PermanentError as verdict:
            if self.decodes_on_gpu and wish.attempt == 1:
                raise doubt(verdict) from verdict
            raise
        # RuntimeError: a track found that the encoder's pictures are not in the order, or where, they have to be.
        except (av.error.FFmpegError, RuntimeError) as error:
            if self.encodes_on_gpu or self.decodes_on_gpu:
                raise TransientError(Reason.GPU_UNAVAILABLE, f"it failed on the way: {error}") from error
            raise


def choose_engines(asked: EncodeRequest, video: VideoStream) -> Engines:
    """Raises GPU_UNAVAILABLE where a GPU was asked for and cannot be had."""
    encoding, decoding = _choose_encoder(asked), _choose_decoder(asked, video)
    on_gpu = nvdec_name(video) if decoding.on_gpu else None
    return Engines(
        encoder=NVENC if encoding.on_gpu else X264,
        decoder_name=on_gpu or video.codec_context.codec.name,
        decode=_decode_on_cpu(video) if on_gpu is None else _decode_on_gpu(asked, video, on_gpu),
        notes=tuple(choice.note for choice in (encoding, decoding) if choice.note is not None),
        encodes_on_gpu=encoding.on_gpu,
        decodes_on_gpu=decoding.on_gpu,
    )


def _choose_encoder(asked: EncodeRequest) -> Choice:
    plan = asked.plan
    matrix = output_matrix(plan.video)
    return choose_encoder(
        asked.devices,
        plan.rungs,
        trial=lambda: try_encoder(NVENC, plan.rungs, plan.grid, matrix=matrix) if gpu.has_device() else NO_DEVICE,
        pause=time.sleep,
    )


def _choose_decoder(asked: EncodeRequest, video: VideoStream) -> Choice:
    facts, top = asked.plan.video, asked.plan.rungs[-1]

    def attempt() -> str | None:
        name = nvdec_name(video)
        if not gpu.has_device() or name is None:
            return NO_DEVICE
        return try_decoder(
            Path(asked.source),
            name,
            size=size_from_decoder(facts, top),
            max_streams=asked.max_streams,
            max_pixels=asked.max_pixels,
        )

    return choose_decoder(asked.devices, facts, codec=codec_name(video), trial=attempt)


def _decode_on_cpu(video: VideoStream) -> Callable[["Packet[Stream]"], Sequence[Frame]]:
    pixels = video.codec_context.width * video.codec_context.height
    video.codec_context.thread_count = 1 if pixels <= ALONE_UP_TO_PIXELS else 2
    video.codec_context.thread_type = av.codec.context.ThreadType.AUTO
    # Subtitles, which are no frames, are never asked for.
    return lambda packet: cast("Sequence[Frame]", packet.decode())


def _decode_on_gpu(
    asked: EncodeRequest, video: VideoStream, name: str
) -> Callable[["Packet[Stream]"], Sequence[Frame]]:
    return PictureDecoder(video, name, size=size_from_decoder(asked.plan.video, asked.plan.rungs[-1])).decode
