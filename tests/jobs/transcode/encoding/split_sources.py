"""Sources that are hard to encode in parts, each for a reason of its own; all last about six seconds."""

import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.fixtures.media import Clip, make_clip

SMALL = Clip(width=160, height=90, pictures=150)
# Key frames that are at no boundary of ours.
CODED = (("preset", "ultrafast"), ("bf", "2"), ("g", "17"), ("sc_threshold", "0"))
OPEN_GROUPS = (("preset", "ultrafast"), ("bf", "3"), ("g", "17"), ("x264-params", "open-gop=1:b-adapt=0"))


def with_b_pictures(folder: Path) -> Path:
    return make_clip(folder / "source", replace(SMALL, options=CODED))


def matroska(folder: Path) -> Path:
    """Its times are rounded to milliseconds."""
    clip = replace(SMALL, options=CODED, rate=Fraction(30000, 1001), pictures=180, container="matroska")
    return make_clip(folder / "source", clip)


def of_no_even_rate(folder: Path) -> Path:
    """Pictures come 20, 60 or 140 ms behind each other, as a screen recorder takes them."""
    steps = np.random.default_rng(5).choice([20, 60, 140], 90)
    stamps = [0, *(int(at) for at in np.cumsum(steps))]
    return make_clip(folder / "source", replace(SMALL, stamps_ms=stamps, options=CODED, container="matroska"))


def later_than_its_sound(folder: Path) -> Path:
    """Parts before the first picture show that one, as the whole does."""
    return make_clip(folder / "source", replace(SMALL, video_start_s=3.3, audio_s=9.3, options=CODED))


def of_open_groups(folder: Path) -> Path:
    """Pictures after a key frame that look back over it: a decoder that begins there cannot show them."""
    return make_clip(folder / "source", replace(SMALL, options=OPEN_GROUPS, container="mpegts"))


def refreshed_strip_by_strip(folder: Path) -> Path:
    """What it calls key frames are none: a decoder that begins there shows garbage for a second."""
    options = (("preset", "ultrafast"), ("bf", "0"), ("g", "40"), ("x264-params", "intra-refresh=1"))
    return make_clip(folder / "source", replace(SMALL, options=options))


def trimmed(folder: Path) -> Path:
    """An edit list leaves out the first second, which is in the file."""
    uncut = make_clip(folder / "uncut", replace(SMALL, pictures=175, options=CODED))
    return remux_earlier(uncut, folder / "source", by_s=1)


def remux_earlier(source: Path, target: Path, *, by_s: int) -> Path:
    with av.open(str(source)) as old, av.open(str(target), "w", format="mp4") as new:
        tracks = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            units = round(by_s / packet.time_base)
            packet.pts, packet.dts = packet.pts - units, packet.dts - units
            packet.stream = tracks[packet.stream_index]
            new.mux(packet)
    return target


def cut_in_the_middle(folder: Path) -> Path:
    """As an editor cuts that copies: the pictures from 2.3 s to 4.5 s are in the file, and an edit list skips them."""
    uncut = make_clip(folder / "uncut", replace(SMALL, pictures=200, options=CODED, audio_channels=0)).read_bytes()
    moov, trak, edts, elst = (uncut.index(kind) - 4 for kind in (b"moov", b"trak", b"edts", b"elst"))
    # Lengths are in milliseconds, times in units of the track: the first edit's is the delay of B-pictures.
    (delay,) = struct.unpack_from(">i", uncut, elst + 20)
    rows = struct.pack(">6i", 2300, delay, 0x10000, 3500, delay + round(4.5 * 12_800), 0x10000)
    edits = struct.pack(">I4sII", 16 + len(rows), b"elst", 0, 2) + rows
    old_bytes = int.from_bytes(uncut[edts : edts + 4])
    cut = bytearray(uncut[:edts] + struct.pack(">I4s", 8 + len(edits), b"edts") + edits + uncut[edts + old_bytes :])
    for box in (moov, trak):
        size = int.from_bytes(cut[box : box + 4]) + 8 + len(edits) - old_bytes
        cut[box : box + 4] = size.to_bytes(4)
    source = folder / "source"
    source.write_bytes(cut)
    return source


def interlaced(folder: Path) -> Path:
    """A deinterlacer needs what comes before and behind a picture. Key frames are at our boundaries."""
    options = (("preset", "ultrafast"), ("g", "25"), ("sc_threshold", "0"))
    clip = replace(SMALL, height=92, audio_channels=0, interlaced=True, options=options)
    return make_clip(folder / "source", clip)


def graded_in_front(folder: Path) -> Path:
    """What display it was graded on, a dark one, is told for its first second only, and holds for all of it."""
    clip = replace(
        SMALL, codec="libx265", pixel_format="yuv420p10le", colours=(9, 16, 9), audio_channels=0, container="mpegts"
    )
    common = "log-level=error:keyint=25:min-keyint=25:repeat-headers=1"
    display = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(2000000,50)"
    first, rest = (
        make_clip(folder / name, replace(piece, options=(("preset", "ultrafast"), ("x265-params", params))))
        for name, piece, params in (
            ("first", replace(clip, pictures=25), f"{common}:{display}"),
            ("rest", replace(clip, pictures=125, video_start_s=1.0), common),
        )
    )
    source = folder / "source"
    source.write_bytes(first.read_bytes() + rest.read_bytes())
    return source


def with_one_key_frame(folder: Path) -> Path:
    return make_clip(folder / "source", replace(SMALL, options=(("preset", "ultrafast"), ("g", "9999"))))


def shorter_than_its_sound(folder: Path) -> Path:
    """The last picture is held, for longer than a part."""
    return make_clip(folder / "source", replace(SMALL, pictures=50, audio_s=6.0, options=CODED))


SOURCES: list[Callable[[Path], Path]] = [
    with_b_pictures,
    matroska,
    of_no_even_rate,
    later_than_its_sound,
    of_open_groups,
    refreshed_strip_by_strip,
    trimmed,
    cut_in_the_middle,
    interlaced,
    graded_in_front,
    with_one_key_frame,
    shorter_than_its_sound,
]
