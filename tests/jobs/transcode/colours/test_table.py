"""The mapping of wide colours is the one that FFmpeg's `scale` filter has; its table is as exact as a picture needs."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from jobs.transcode.colours.mastering import Mastering, parse_mastering
from jobs.transcode.colours.spaces import Values
from jobs.transcode.colours.table import map_colours, table_file
from jobs.transcode.encoding.scaling import open_graph

# Skin, red, sky, leaf, shadow, paper and violet, each 0 to 1.
CODES = np.array(
    [
        (0.45, 0.40, 0.36), (0.60, 0.20, 0.15), (0.40, 0.50, 0.62), (0.25, 0.45, 0.20), (0.12, 0.11, 0.14),
        (0.75, 0.74, 0.70), (0.55, 0.15, 0.50),
    ]
).T  # fmt: skip
# Of 255, by `scale` of FFmpeg 8.1 from BT.2020 to BT.709, its intent perceptual for the first two and relative
# colorimetric for the third.
BY_FFMPEG = {
    "smpte2084": [
        (118.4, 83.4, 69.5), (205.9, 1.0, 5.9), (3.1, 125.8, 198.5), (0.4, 109.6, 0.1), (16.8, 14.6, 19.7),
        (220.5, 206.4, 176.0), (169.5, 0.2, 131.0),
    ],
    "arib-std-b67": [
        (112.4, 95.2, 87.3), (157.3, 36.7, 38.4), (75.3, 116.3, 144.2), (0.0, 110.5, 45.7), (29.7, 26.7, 33.4),
        (177.7, 170.8, 156.2), (136.9, 23.6, 115.0),
    ],
    "bt709": [
        (122.7, 100.3, 90.2), (183.8, 0.2, 36.9), (72.8, 129.9, 161.5), (0.0, 124.8, 55.9), (31.5, 27.6, 36.4),
        (193.6, 188.5, 177.2), (171.9, 0.0, 134.9),
    ],
}  # fmt: skip


@pytest.mark.parametrize("transfer", BY_FFMPEG)
def test_colours_become_what_ffmpeg_makes_of_them(transfer: str):
    mapped = map_colours(CODES, "bt2020", transfer, Mastering())
    expected = np.array(BY_FFMPEG[transfer])
    assert np.abs(mapped.T * 255 - expected).max() <= 3.5


@pytest.mark.parametrize("transfer", BY_FFMPEG)
def test_between_its_nodes_the_table_is_as_exact_as_eight_bits_show(transfer: str, tmp_path: Path):
    # The tones that pictures are made of: greys of all levels, tinted.
    tinted = np.linspace(0.15, 0.75, 256) + np.array([[0.02], [0.0], [-0.03]]) * np.sin(np.arange(256))
    frame = rgb_frame(tinted)
    with table_file("bt2020", transfer, Mastering(), folder=tmp_path) as table:
        graph = open_graph(frame, [("lut3d", f"file={table}:interp=tetrahedral")])
    graph.vpush(frame)
    exact = map_colours(tinted, "bt2020", transfer, Mastering())
    errors = np.abs(levels(graph.vpull()) - exact) * 255
    assert errors.mean() < 0.1
    assert errors.max() < 1.5


def rgb_frame(codes: Values) -> VideoFrame:
    """One line of 16-bit pixels."""
    frame = VideoFrame(codes.shape[1], 1, "gbrp16le")
    for plane, row in zip(frame.planes, codes[[1, 2, 0]], strict=True):
        plane.update(np.round(row * 65535).astype("<u2").tobytes().ljust(plane.buffer_size, b"\0"))
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return frame


def levels(frame: VideoFrame) -> Values:
    green, blue, red = (np.frombuffer(bytes(plane), "<u2")[: frame.width] / 65535 for plane in frame.planes)
    return np.stack([red, green, blue])


def test_a_master_that_goes_less_high_is_shown_brighter():
    paper = np.full((3, 1), 0.58)
    (as_told,) = set(map_colours(paper, "bt2020", "smpte2084", Mastering(light=(0.005, 1000.0))).round(3)[:, 0])
    (as_usual,) = set(map_colours(paper, "bt2020", "smpte2084", Mastering()).round(3)[:, 0])
    assert as_told > as_usual + 0.02


P3_D65 = [(34000, 50000), (16000, 50000), (13250, 50000), (34500, 50000), (7500, 50000), (3000, 50000)]
WHITE = [(15635, 50000), (16450, 50000)]


def packed(corners: list[tuple[int, int]], light: list[tuple[int, int]]) -> bytes:
    numbers = [number for fraction in (*corners, *WHITE, *light) for number in fraction]
    return struct.pack("<22i", *numbers, 1, 1)


def test_a_mastering_display_is_read():
    mastering = parse_mastering(packed(P3_D65, [(50, 10000), (10_000_000, 10000)]))
    assert mastering == Mastering(gamut=((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), light=(0.005, 1000.0))


@pytest.mark.parametrize(
    ("corners", "light"),
    [
        # Zeros, as some encoders write them; blue and green taken for each other; darkest and brightest too.
        ([(0, 50000)] * 6, [(0, 10000), (0, 10000)]),
        ([(0, 0)] * 6, [(0, 0), (0, 0)]),
        ([*P3_D65[:2], *P3_D65[4:], *P3_D65[2:4]], [(10_000_000, 10000), (50, 10000)]),
        ([*P3_D65[:5], (-3000, 50000)], [(0, 1), (2**31 - 1, 1)]),
    ],
)
def test_what_is_no_display_is_not_believed(corners: list[tuple[int, int]], light: list[tuple[int, int]]):
    assert parse_mastering(packed(corners, light)) == Mastering()
