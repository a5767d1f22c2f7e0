"""Decodes what a part has written, in the process that has written it: no later job has to read it all again.

What `verify_child` decodes of a whole stream, chosen in the same way: each moment in one of the renditions, in turn,
and the first and last segments of the part, which lie at the seams, in all. Playlists do not exist yet; their rules are
checked when the parts are joined.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import compress
from pathlib import Path

from jobs.transcode.encoding.encode import TrackFacts
from jobs.transcode.hls.layout import INIT_NAME, segment_name
from jobs.transcode.planning.plan import Plan
from jobs.transcode.verify.playing import THREADS, in_turn, play_key_frame, play_pictures, play_sound

Tell = Callable[[float], None]
# Of the time that a part takes, about: a rendition of each moment is decoded, and another one's key frame.
CHECK_SHARE = 0.1


def before_check(progress: Tell) -> Tell:
    """What encoding tells its progress to, where a check follows."""
    return lambda done: progress((1 - CHECK_SHARE) * done)


def during_check(progress: Tell) -> Tell:
    return lambda done: progress(1 - CHECK_SHARE * (1 - done))


def check_pictures(plan: Plan, tracks: tuple[TrackFacts, ...], output: Path, *, progress: Tell) -> None:
    """Tracks of a part, in the order of the plan's rungs. Raises VERIFY_FAILED.

    `progress` is told after each piece: that is how who works beside this one, or shall stop, comes to hear of it.
    """
    works = [work for number, track in enumerate(tracks) for work in _works(plan, number, track, output, len(tracks))]
    with ThreadPoolExecutor(THREADS) as pool:
        for done, _ in enumerate(pool.map(lambda work: work(), works), start=1):
            progress(done / len(works))


def _works(plan: Plan, number: int, track: TrackFacts, output: Path, of: int) -> Iterator[Callable[[], None]]:
    rung = plan.rungs[number]
    size, picture_units = (rung.width, rung.height), plan.grid_of(rung).picture_units
    init = (output / track.folder / INIT_NAME).read_bytes()

    def play(place: int, samples: int) -> None:
        path, data = _read(output, track, place)
        play_pictures(path, init + data, size=size, samples=samples)

    def scrub(place: int) -> None:
        path, data = _read(output, track, place)
        for key in track.segments[place - track.first_segment].keys:
            alone = init + data[key.offset : key.offset + key.bytes]
            play_key_frame(path, alone, place=f"{key.bytes}@{key.offset}", size=size)

    segments = list(enumerate(track.segments, start=track.first_segment))
    for place, segment in compress(segments, in_turn(len(segments), mine=number, of=of)):
        yield partial(play, place, segment.units // picture_units)
    for place, _ in compress(segments, in_turn(len(segments), mine=number + 1, of=of)):
        yield partial(scrub, place)


def check_sound(track: TrackFacts, output: Path, *, progress: Tell) -> None:
    """Raises VERIFY_FAILED."""
    init = (output / track.folder / INIT_NAME).read_bytes()
    for place, segment in enumerate(track.segments):
        path, data = _read(output, track, place)
        play_sound(path, init + data, samples=segment.units)
        progress((place + 1) / len(track.segments))


def _read(output: Path, track: TrackFacts, place: int) -> tuple[str, bytes]:
    path = f"{track.folder}/{segment_name(place)}"
    return path, (output / path).read_bytes()
