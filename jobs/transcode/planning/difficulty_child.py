"""The sandboxed half of `jobs.transcode.planning.difficulty`."""

import io
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from math import log10
from pathlib import Path

import av
from av.container import InputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from jobs.transcode.encoding.scaling import with_known_colours
from jobs.transcode.planning.difficulty import Detail, Difficulty, SampleRequest
from jobs.transcode.planning.ladder import ALIKE_FROM_DB, STILL_BELOW_BPP
from pipeline.media.facts import VideoFacts
from pipeline.media.opening import UNREADABLE, find_video, open_source
from pipeline.media.packets import read_packets, repeats_picture

# Samples are spread evenly: slides, camera and titles of a lecture take turns within minutes.
SAMPLES = 5
SAMPLE_PICTURES = 12
# A sample begins at a key frame; where pictures do not come within so many packets it is left out.
SAMPLE_PACKETS = 120
# The size that motion is measured at: motion of large pictures shows in small ones.
QUICK_SIDE_PX = 360
QUICK_OPTIONS = {"preset": "ultrafast", "crf": "23", "g": "1000"}
# PSNR of pictures that are alike in every sample.
ALIKE_DB = 99.0


def sample_source(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = SampleRequest.model_validate_json(request)
    motion: list[float] = []
    details: dict[int, float] = {}
    taken = 0
    with open_source(Path(asked.source), max_streams=asked.max_streams) as container:
        video = find_video(container, max_pixels=asked.max_pixels)
        video.codec_context.thread_count = 1
        for at_s in _places(asked.video):
            moves = _surely_moves(motion)
            if moves and details.keys() >= set(asked.sides) and max(details.values(), default=0) < ALIKE_FROM_DB:
                break
            frames = (_picture if moves else _pictures)(container, video, at_s=at_s)
            if not frames:
                continue
            taken += 1
            if len(frames) > 1:
                motion.append(_motion_bpp(frames))
            for side_px in asked.sides:
                # What is lost once is lost; only what was alike so far is asked about again.
                if details.get(side_px, ALIKE_DB) >= ALIKE_FROM_DB:
                    lost_db = _psnr_db(frames[-1], side_px)
                    details[side_px] = min(lost_db, details.get(side_px, ALIKE_DB))
    return Difficulty(
        samples=taken,
        motion_bpp=sum(motion) / len(motion) if motion else None,
        details=tuple(Detail(side_px=side_px, psnr_db=lost_db) for side_px, lost_db in details.items()),
    ).model_dump(mode="json")


def _surely_moves(motion: Sequence[float]) -> bool:
    """Whether the mean over all samples is that of moving content even if nothing moves in the rest of them.

    They need not be measured then: the first picture of the whole job waits for them.
    """
    return sum(motion) >= SAMPLES * STILL_BELOW_BPP


def _places(video: VideoFacts) -> Iterator[float]:
    """Times in the source, spread evenly."""
    for number in range(SAMPLES):
        yield video.start_s + video.duration_s * (2 * number + 1) / (2 * SAMPLES)


def _pictures(container: InputContainer, video: VideoStream, *, at_s: float) -> list[VideoFrame]:
    """Some pictures that follow each other, all of one size; none where the container cannot seek there."""
    frames: list[VideoFrame] = []
    try:
        container.seek(round(at_s * av.time_base))
        for packet in islice(read_packets(container, video), SAMPLE_PACKETS):
            if repeats_picture(packet):
                continue
            frames += map(with_known_colours, packet.decode())
            if len(frames) >= SAMPLE_PICTURES:
                break
    except UNREADABLE:
        return []
    return [frame for frame in frames[:SAMPLE_PICTURES] if _size(frame) == _size(frames[0])]


def _picture(container: InputContainer, video: VideoStream, *, at_s: float) -> list[VideoFrame]:
    """One picture alone, or none. The decoder, which would wait for others that may come first, is told of the end."""
    try:
        container.seek(round(at_s * av.time_base))
        for packet in islice(read_packets(container, video), SAMPLE_PACKETS):
            if repeats_picture(packet):
                continue
            frames = packet.decode() or video.codec_context.decode(None)
            video.codec_context.flush_buffers()
            if frames:
                return [with_known_colours(frames[0])]
    except UNREADABLE:
        pass
    return []


def _size(frame: VideoFrame) -> tuple[int, int]:
    return frame.width, frame.height


def _fit(frame: VideoFrame, side_px: int) -> tuple[int, int]:
    """The frame's size with this short side, even; never larger."""
    share = min(Fraction(1), Fraction(side_px, min(frame.width, frame.height)))
    return max(16, int(frame.width * share) // 2 * 2), max(16, int(frame.height * share) // 2 * 2)


def _motion_bpp(frames: Sequence[VideoFrame]) -> float:
    width, height = _fit(frames[0], QUICK_SIDE_PX)
    sizes = []
    with av.open(io.BytesIO(), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=25, options=QUICK_OPTIONS)
        encoder = stream.codec_context
        encoder.width, encoder.height, encoder.pix_fmt, encoder.thread_count = width, height, "yuv420p", 1
        for number, frame in enumerate(frames):
            small = frame.reformat(width, height, "yuv420p", interpolation=Interpolation.FAST_BILINEAR, threads=1)
            small.pts, small.time_base = number, Fraction(1, 25)
            sizes += [packet.size for packet in encoder.encode(small)]
        sizes += [packet.size for packet in encoder.encode(None)]
    return 8 * sum(sizes[1:]) / (width * height * (len(frames) - 1))


def _psnr_db(frame: VideoFrame, side_px: int) -> float:
    """Of luma, after scaling to `side_px` and back."""
    width, height = _fit(frame, side_px)
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25))
    luma, both, judge = graph.add("format", "gray"), graph.add("split"), graph.add("psnr")
    small = graph.add("scale", f"{width}:{height}:flags=lanczos")
    back = graph.add("scale", f"{frame.width}:{frame.height}:flags=bicubic")
    sink = graph.add("buffersink")
    source.link_to(luma)
    luma.link_to(both)
    both.link_to(judge, 0, 0)
    both.link_to(small, 1, 0)
    small.link_to(back)
    back.link_to(judge, 0, 1)
    judge.link_to(sink)
    graph.configure()
    graph.vpush(frame)
    graph.vpush(None)
    mean_square = float(graph.vpull().metadata["lavfi.psnr.mse.y"])
    return ALIKE_DB if mean_square == 0 else min(ALIKE_DB, 10 * log10(255 * 255 / mean_square))
