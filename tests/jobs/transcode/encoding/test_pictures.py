"""What the filters make of decoded pictures of every kind: upright, 8 bits, BT.709 or BT.601, of one size."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane

from jobs.transcode.encoding.pictures import BT709, BT2020, UNSPECIFIED, Shaper, output_matrix
from jobs.transcode.planning.ladder import RungPlan
from pipeline.media.facts import Colour, Orientation, VideoFacts
from tests.fixtures.media import Clip, corner_levels, draw_picture, make_clip, read_pictures

WIDTH, HEIGHT = 320, 180
TOP = RungPlan(name="180p", folder="v1", width=WIDTH, height=HEIGHT, video_bps=200_000)


def facts(**fields: object) -> VideoFacts:
    plain: dict[str, object] = {
        "index": 0, "codec": "h264", "coded_width": WIDTH, "coded_height": HEIGHT, "display_width": WIDTH,
        "display_height": HEIGHT, "orientation": Orientation(), "pixel_format": "yuv420p", "bit_depth": 8,
        "rate_num": 25, "rate_den": 1, "variable_rate": False, "interlaced": False, "colour": Colour(),
        "start_s": 0.0, "duration_s": 1.0, "declared_s": 1.0, "packets": 25,
    }  # fmt: skip
    return VideoFacts.model_validate(plain | fields)


def shape(video: VideoFacts, *frames: VideoFrame) -> list[VideoFrame]:
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, 25)
    # FFmpeg has signs of its own for what such a name holds.
    with TemporaryDirectory(prefix="it's a:b,[c] ") as scratch:
        shaper = Shaper(video, TOP, scratch=Path(scratch))
        all_shaped = [*(shaped for frame in frames for shaped in shaper.shape(frame)), *shaper.flush()]
        assert not [*Path(scratch).iterdir()]
    return all_shaped


@pytest.mark.parametrize(
    "pixel_format",
    ["yuv420p10le", "yuv422p", "yuv422p10le", "yuv444p", "yuv444p12le", "yuva420p", "nv12", "gray", "gbrp", "rgb24"],
)
def test_every_format_becomes_8_bit_420_of_the_same_brightness(pixel_format: str):
    frame = VideoFrame.from_ndarray(draw_picture(WIDTH, HEIGHT, 0), format="gray").reformat(format=pixel_format)
    (shaped,) = shape(facts(pixel_format=pixel_format), frame)
    assert shaped.format.name == "yuv420p"
    assert corner_levels(shaped) == pytest.approx((60, 110, 160, 210), abs=3)


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "yuvj444p"])
def test_full_range_is_narrowed(pixel_format: str):
    frame = VideoFrame.from_ndarray(draw_picture(WIDTH, HEIGHT, 0), format="gray").reformat(format=pixel_format)
    assert luma(frame).max() == 210
    (shaped,) = shape(facts(pixel_format=pixel_format, colour=Colour(full_range=True)), frame)
    assert luma(shaped).max() == pytest.approx(16 + 210 * 219 / 255, abs=2)
    assert corner_levels(shaped) == pytest.approx((60, 110, 160, 210), abs=3)


def test_a_picture_that_changes_its_size_on_the_way_keeps_its_place():
    large = VideoFrame.from_ndarray(draw_picture(640, 360, 0), format="gray").reformat(format="yuv420p")
    small = VideoFrame.from_ndarray(draw_picture(160, 120, 0), format="gray").reformat(format="yuv444p")
    shaped = shape(facts(), large, small, small, large)
    assert [(frame.width, frame.height) for frame in shaped] == [(WIDTH, HEIGHT)] * 4
    assert all(corner_levels(frame) == pytest.approx((60, 110, 160, 210), abs=4) for frame in shaped)


def test_a_picture_of_another_shape_is_shown_whole_between_black_bars():
    """A telephone is turned, another window is shared: 320x180 becomes 180x320, which fills 101 columns."""
    tall = VideoFrame.from_ndarray(draw_picture(180, 320, 0), format="gray").reformat(format="yuv420p")
    wide = VideoFrame.from_ndarray(draw_picture(WIDTH, HEIGHT, 0), format="gray").reformat(format="yuv420p")
    first, second = shape(facts(), wide, tall)
    assert corner_levels(first) == pytest.approx((60, 110, 160, 210), abs=3)
    rows = luma(second)
    assert rows.shape == (HEIGHT, WIDTH)
    assert {int(rows[:, column].max()) for column in (0, 100, 220, WIDTH - 1)} == {16}
    assert rows[45, (135, 185)] == pytest.approx([16 + grey * 219 / 255 for grey in (60, 110)], abs=3)


def test_sizes_that_are_rounded_to_whole_blocks_are_one_shape():
    shaped = shape(facts(), VideoFrame.from_ndarray(draw_picture(640, 362, 0), format="gray"))
    assert corner_levels(shaped[0]) == pytest.approx((60, 110, 160, 210), abs=4)
    assert luma(shaped[0])[:, (0, -1)].max(axis=0).min() > 16


def test_reserved_colours_mean_nothing():
    """Recorders write primaries and transfers by numbers that stand for nothing; the scaler refuses them."""
    frame = VideoFrame.from_ndarray(draw_picture(640, 360, 0), format="gray").reformat(format="yuv420p")
    frame = frame.reformat(format="yuv444p")
    frame.color_primaries, frame.color_trc = 0, 3
    (shaped,) = shape(facts(), frame)
    assert corner_levels(shaped) == pytest.approx((60, 110, 160, 210), abs=3)


def test_fields_that_come_later_are_deinterlaced_too(tmp_path: Path):
    """A broadcast's leader is progressive and its film is not."""
    clip = Clip(pictures=8, audio_channels=0, interlaced=True)
    woven = read_pictures(make_clip(tmp_path / "woven.mp4", clip).read_bytes())
    leader = read_pictures(make_clip(tmp_path / "plain.mp4", replace(clip, interlaced=False)).read_bytes())
    before = [comb(frame) for frame in woven[2:-2]]
    shaped = shape(facts(), *leader, *woven)
    assert len(shaped) == 16
    # The first and the last have no neighbour to tell what moves.
    assert max(comb(frame) for frame in shaped[10:-2]) < 0.35 * min(before)


def comb(frame: VideoFrame) -> float:
    """How much rows differ from those beside them, in the middle where the block moves, at the worst column."""
    rows = luma(frame)[HEIGHT // 2 - 6 : HEIGHT // 2 + 6].astype(int)
    return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean(axis=0).max())


def luma(frame: VideoFrame) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return samples(frame.planes[0])


def samples(plane: VideoPlane) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


PQ, HLG = 16, 18


def wide(red: float, green: float, blue: float, *, transfer: int) -> VideoFrame:
    """A plane of one colour in BT.2020; components are coded values from 0 to 1 of that transfer."""
    # ITU-R BT.2020, non-constant luminance, 10 bits, limited range.
    y = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    cb, cr = (blue - y) / 1.8814, (red - y) / 1.4746
    frame = VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
    for plane, code in zip(frame.planes, (64 + 876 * y, 512 + 896 * cb, 512 + 896 * cr), strict=True):
        plane.update(np.full(plane.buffer_size // 2, round(code), dtype="<u2").tobytes())
    frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = BT2020, transfer, BT2020, 1
    return frame


def mapped(frames: Sequence[VideoFrame], colour: Colour) -> list[tuple[int, ...]]:
    """Luma and both chromas in the middle of each picture after the filters."""
    shaped = shape(facts(pixel_format="yuv420p10le", bit_depth=10, colour=colour), *frames)
    assert {frame.format.name for frame in shaped} == {"yuv420p"}
    return [
        tuple(int(samples(plane)[plane.height // 2, plane.width // 2]) for plane in frame.planes) for frame in shaped
    ]


@pytest.mark.parametrize(
    ("transfer", "white", "peak", "matrix"),
    # Reference white is 203 cd/m2 (ITU-R BT.2408): 58 % of PQ, 75 % of HLG.
    [(PQ, 0.58, 0.75, BT2020), (HLG, 0.75, 1.0, UNSPECIFIED)],
)
def test_high_dynamic_range_becomes_what_a_plain_screen_shows(transfer: int, white: float, peak: float, matrix: int):
    colour = Colour(primaries=BT2020, transfer=transfer, matrix=matrix)
    assert output_matrix(facts(colour=colour)) == BT709
    levels = (0.0, 0.3, white, peak)
    greys = mapped([wide(grey, grey, grey, transfer=transfer) for grey in levels], colour)
    black, dark, paper, light = (luma for luma, *_ in greys)
    assert black == pytest.approx(16, abs=3)
    assert black < dark < paper < light <= 236
    # Paper is bright, and what is brighter still is not burnt into it.
    assert 140 <= paper <= 215
    assert light >= paper + 12
    assert all(abs(chroma - 128) <= 3 for _, *chromas in greys for chroma in chromas)


def test_wide_colours_are_brought_to_bt709():
    """The red of a BT.709 screen as BT.2020 codes it comes back as about that red: unmapped, its Cr is about 185."""
    # Linear BT.709 red is (0.627, 0.069, 0.016) of BT.2020 (ITU-R BT.2087); the curve is BT.709's.
    red, green, blue = (1.099 * value**0.45 - 0.099 for value in (0.6274, 0.0691, 0.0164))
    frame = wide(red, green, blue, transfer=BT709)
    (shown,) = mapped([frame], Colour(primaries=BT2020, transfer=BT709, matrix=BT2020))
    assert shown == pytest.approx((63, 102, 240), abs=20)
