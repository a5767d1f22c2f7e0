"""Draws the sheets of a storyboard, and the JPEG of any picture; runs in the sandbox of `thumbnail_child`."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation

from jobs.transcode.hls.layout import INIT_NAME, STORYBOARD_INDEX_NAME, sheet_name
from jobs.transcode.stills.storyboard import COLUMNS, KeyFrame, StoryboardPlan, Tile, write_vtt

# FFmpeg's mjpeg scale (2 best, 31 worst): of a tile nobody reads the small print.
SHEET_QUANTIZER = 5

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def draw_storyboard(plan: StoryboardPlan, *, track: Path, target: Path) -> None:
    """Write all sheets and the WebVTT file into the folder `target`."""
    target.mkdir()
    for number, tiles in enumerate(plan.sheets):
        (target / sheet_name(number)).write_bytes(jpeg(_sheet(plan, tiles, track), quantizer=SHEET_QUANTIZER))
    (target / STORYBOARD_INDEX_NAME).write_text(write_vtt(plan), encoding="utf-8")


def _sheet(plan: StoryboardPlan, tiles: tuple[Tile, ...], track: Path) -> Pixels:
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // COLUMNS)
    sheet = np.zeros((rows * plan.height, columns * plan.width, 3), dtype=np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // COLUMNS * plan.height, number % COLUMNS * plan.width
        picture = resize(read_key_frame(track, tile.frame), plan.width, plan.height)
        sheet[top : top + plan.height, left : left + plan.width] = picture
    return sheet


def read_key_frame(track: Path, frame: KeyFrame) -> VideoFrame:
    """Decode one key frame of the track in this folder."""
    with (track / frame.segment).open("rb") as segment:
        segment.seek(frame.offset)
        data = (track / INIT_NAME).read_bytes() + segment.read(frame.size_bytes)
    with av.open(io.BytesIO(data), "r", format="mov") as container:
        return next(container.decode(video=0))


def resize(frame: VideoFrame, width: int, height: int) -> Pixels:
    """Red, green and blue of the scaled picture: its own colour matrix ends here."""
    scaled = frame.reformat(width, height, "rgb24", interpolation=Interpolation.AREA, threads=1)
    return scaled.to_ndarray().astype(np.uint8, copy=False)


def jpeg(pixels: Pixels, *, quantizer: int) -> bytes:
    """A JPEG as browsers read it: full range, the colour matrix of JFIF."""
    frame = VideoFrame.from_ndarray(pixels, format="rgb24")
    picture = frame.reformat(format="yuvj420p", dst_color_range=ColorRange.JPEG, threads=1)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.color_range = ColorRange.JPEG
    encoder.options = {"qmin": str(quantizer), "qmax": str(quantizer)}
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])
