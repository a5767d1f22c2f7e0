"""The sandboxed half of `jobs.transcode.thumbnail`."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation

from jobs.transcode.layout import INIT_NAME, segment_name
from jobs.transcode.thumbnail import ThumbnailReply, ThumbnailRequest

# Key frames that are looked at, spread over the video.
CANDIDATES = 9
LONGEST_SIDE_PX = 1280
# FFmpeg's mjpeg scale (2 best, 31 worst); 3 shows no blocks around letters.
JPEG_QUANTIZER = 3
# Width of the picture that a candidate is judged by.
JUDGED_WIDTH_PX = 64


def draw_thumbnail(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = ThumbnailRequest.model_validate_json(request)
    folder = Path(asked.folder)
    numbers = sorted({(2 * n + 1) * asked.segments // (2 * CANDIDATES) for n in range(CANDIDATES)})
    frames = [(number, _first_picture(folder, number)) for number in numbers]
    number, frame = max(frames, key=lambda candidate: _detail(candidate[1]))
    Path(asked.target).write_bytes(_jpeg(frame))
    return ThumbnailReply(segment=number, width=frame.width, height=frame.height).model_dump(mode="json")


def _first_picture(folder: Path, number: int) -> VideoFrame:
    data = (folder / INIT_NAME).read_bytes() + (folder / segment_name(number)).read_bytes()
    with av.open(io.BytesIO(data), "r", format="mov") as container:
        return next(container.decode(video=0))


def _detail(frame: VideoFrame) -> float:
    """The standard deviation of brightness: near zero for black, white and faded pictures."""
    height = max(2, round(frame.height * JUDGED_WIDTH_PX / frame.width / 2) * 2)
    small = frame.reformat(JUDGED_WIDTH_PX, height, "gray", interpolation=Interpolation.AREA, threads=1)
    plane = small.planes[0]
    data = bytes(plane)
    rows = [data[row * plane.line_size : row * plane.line_size + small.width] for row in range(small.height)]
    count = small.width * small.height
    mean = sum(map(sum, rows)) / count
    return float((sum(value * value for row in rows for value in row) / count - mean * mean) ** 0.5)


def _jpeg(frame: VideoFrame) -> bytes:
    shrink = min(Fraction(1), Fraction(LONGEST_SIDE_PX, max(frame.width, frame.height)))
    width, height = (max(2, int(side * shrink) // 2 * 2) for side in (frame.width, frame.height))
    picture = frame.reformat(
        width, height, "yuvj420p", dst_color_range=ColorRange.JPEG, interpolation=Interpolation.BICUBIC, threads=1
    )
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.color_range = ColorRange.JPEG
    encoder.options = {"qmin": str(JPEG_QUANTIZER), "qmax": str(JPEG_QUANTIZER)}
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])
