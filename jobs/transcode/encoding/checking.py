"""Decodes what a part has written, in the process that has written it: no later job has to read it all again.

What `verify_child` decodes of a whole stream, chosen in the same way: each moment in one of the renditions, in turn,
and the first and last segments of the part, which lie at the seams, in all. Playlists do not exist yet; their rules are
checked when the parts are joined.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import compress
from pathlib import Path

from jobs.transcode.encoding.encode import TrackFacts
from jobs.transcode.hls.layout import INIT_NAME, segment_name
from jobs.transcode.planning.plan import Plan
from jobs.transcode.verify.playing import THREADS, in_turn, play_key_frame, play_pictures, play_sound


def check_pictures(plan: Plan, tracks: tuple[TrackFacts, ...], output: Path) -> None:
    """Tracks of a part, in the order of the plan's rungs. Raises VERIFY_FAILED."""

    def check(number: int) -> None:
        rung, track = plan.rungs[number], tracks[number]
        size, picture_units = (rung.width, rung.height), plan.grid_of(rung).picture_units
        init = (output / track.folder / INIT_NAME).read_bytes()
        segments = list(enumerate(track.segments, start=track.first_segment))
        for place, segment in compress(segments, in_turn(len(segments), mine=number, of=len(tracks))):
            path, data = _read(output, track, place)
            play_pictures(path, init + data, size=size, samples=segment.units // picture_units)
        for place, segment in compress(segments, in_turn(len(segments), mine=number + 1, of=len(tracks))):
            path, data = _read(output, track, place)
            for key in segment.keys:
                alone = init + data[key.offset : key.offset + key.bytes]
                play_key_frame(path, alone, place=f"{key.bytes}@{key.offset}", size=size)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(check, range(len(tracks))))


def check_sound(track: TrackFacts, output: Path) -> None:
    """Raises VERIFY_FAILED."""
    init = (output / track.folder / INIT_NAME).read_bytes()
    for place, segment in enumerate(track.segments):
        path, data = _read(output, track, place)
        play_sound(path, init + data, samples=segment.units)


def _read(output: Path, track: TrackFacts, place: int) -> tuple[str, bytes]:
    path = f"{track.folder}/{segment_name(place)}"
    return path, (output / path).read_bytes()
