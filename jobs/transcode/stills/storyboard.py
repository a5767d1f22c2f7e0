"""Decides what is drawn on a storyboard: which key frame stands for which seconds, and where on which sheet. Pure.

A storyboard is sheets of small pictures and a WebVTT file that says which rectangle of which sheet belongs to which
seconds, with the fragment `#xywh=` of W3C Media Fragments: what players show over their seek bar.
"""

from collections.abc import Sequence
from math import ceil

from jobs.transcode.encoding.encode import TrackFacts
from jobs.transcode.hls.layout import segment_name, sheet_name
from pipeline.contracts.envelope import Contract

TILE_S = 5
# 12 h are a tile every two minutes and ten sheets; up to 30 min there is one every 5 s.
MAX_TILES = 360
COLUMNS, ROWS = 6, 6
# Large enough to recognise a slide by its headline, small enough for 36 of them in about 150 kB.
TILE_LONG_SIDE_PX = 240


class KeyFrame(Contract):
    """Bytes of a segment that hold one key frame, and when it is shown."""

    segment: str
    offset: int
    size_bytes: int
    at_s: float


class Tile(Contract):
    """What is shown from `from_s` until `to_s`."""

    from_s: float
    to_s: float
    frame: KeyFrame


class StoryboardPlan(Contract):
    """Tiles fill a sheet row by row, then the next sheet; all have the same size."""

    width: int
    height: int
    tiles: tuple[Tile, ...]

    @property
    def sheets(self) -> list[tuple[Tile, ...]]:
        size = COLUMNS * ROWS
        return [self.tiles[start : start + size] for start in range(0, len(self.tiles), size)]


def list_key_frames(track: TrackFacts) -> list[KeyFrame]:
    frames = []
    units = 0
    for number, segment in enumerate(track.segments):
        for key in segment.keys:
            at_s = units / track.timescale
            frames.append(KeyFrame(segment=segment_name(number), offset=key.offset, size_bytes=key.bytes, at_s=at_s))
            units += key.units
    return frames


def plan_storyboard(frames: Sequence[KeyFrame], *, duration_s: float, width: int, height: int) -> StoryboardPlan:
    """Every tile shows the key frame nearest to the middle of its seconds. `width` and `height` are the frames'."""
    every_s = max(TILE_S, ceil(duration_s / MAX_TILES))
    shrink = min(1.0, TILE_LONG_SIDE_PX / max(width, height))
    starts = range(0, max(1, ceil(duration_s)), every_s)
    return StoryboardPlan(
        width=max(2, round(width * shrink / 2) * 2),
        height=max(2, round(height * shrink / 2) * 2),
        tiles=tuple(
            Tile(
                from_s=start,
                to_s=min(start + every_s, duration_s),
                frame=_nearest(frames, (start + min(start + every_s, duration_s)) / 2),
            )
            for start in starts
            if start < duration_s
        ),
    )


def _nearest(frames: Sequence[KeyFrame], at_s: float) -> KeyFrame:
    return min(frames, key=lambda frame: abs(frame.at_s - at_s))


def write_vtt(plan: StoryboardPlan) -> str:
    lines = ["WEBVTT", ""]
    for sheet, tiles in enumerate(plan.sheets):
        for number, tile in enumerate(tiles):
            x, y = number % COLUMNS * plan.width, number // COLUMNS * plan.height
            lines += [
                f"{_clock(tile.from_s)} --> {_clock(tile.to_s)}",
                f"{sheet_name(sheet)}#xywh={x},{y},{plan.width},{plan.height}",
                "",
            ]
    return "\n".join(lines)


def _clock(seconds: float) -> str:
    """WebVTT's time: hours, minutes, seconds and milliseconds."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
