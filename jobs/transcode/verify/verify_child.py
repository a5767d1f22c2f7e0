"""The sandboxed half of `jobs.transcode.verify.verify`: reads a stream back, checks the rules, and decodes it.

The boxes of every segment are read. Of the pictures each moment is decoded in one of the renditions, in turn, and
scrubbed in another: a decoder sees all of the source's time, and all of every encoder's start and end.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from itertools import compress
from pathlib import Path

from jobs.transcode.verify.authoring import Expected, check_stream
from jobs.transcode.verify.playing import THREADS, in_turn, play_key_frame, play_pictures, play_sound, refuse
from jobs.transcode.verify.published import Playlist, Stream, Track, read_file, read_stream
from jobs.transcode.verify.verify import VerifyReply, VerifyRequest

# A stream may differ from its source by this much: the greater of both.
DURATION_TOLERANCE_S = 0.2
DURATION_TOLERANCE_SHARE = 0.02


def verify_stream(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = VerifyRequest.model_validate_json(request)
    return _decode(Path(asked.output), _read_checked(asked)).model_dump(mode="json")


def verify_joined(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    """A stream whose parts were decoded when they were written: see `checking`."""
    stream = _read_checked(VerifyRequest.model_validate_json(request))
    return VerifyReply(segments=_count(stream), pictures=0).model_dump(mode="json")


def _read_checked(asked: VerifyRequest) -> Stream:
    stream = read_stream(Path(asked.output))
    for file, what in check_stream(stream, expected_of(asked)):
        raise refuse(file, what)
    for track in stream.tracks.values():
        _check_duration(track, asked.source_s)
    return stream


def expected_of(asked: VerifyRequest) -> Expected:
    return Expected(
        sizes=asked.sizes,
        has_audio=asked.has_audio,
        starts_s=tuple(first / asked.grid.rate for first in asked.grid.starts()),
        key_frame_s=Fraction(asked.key_frame_s),
        needs_low_variant=asked.needs_low_variant,
    )


def _check_duration(track: Track, source_s: float) -> None:
    tolerance_s = max(DURATION_TOLERANCE_S, DURATION_TOLERANCE_SHARE * source_s)
    if abs(float(track.duration_s) - source_s) > tolerance_s:
        raise refuse(track.uri, f"lasts {float(track.duration_s):.3f} s, the source {source_s:.3f} s")


def _decode(root: Path, stream: Stream) -> VerifyReply:
    """Every segment and every key frame's range on its own, as a player that seeks or scrubs there."""
    renditions = len(stream.pictures)
    works: list[Callable[[], int]] = []
    for number, (variant, track) in enumerate(stream.pictures):
        assert variant.size is not None, "these are the variants that have one"
        chosen = in_turn(len(track.segments), mine=number, of=renditions)
        works.append(partial(_decode_pictures, root, track, variant.size, chosen))
    scrubbed = [variant for variant in stream.master.iframe_variants if variant.size is not None]
    for number, variant in enumerate(scrubbed, start=1):
        assert variant.size is not None
        playlist = stream.iframes[variant.uri]
        chosen = in_turn(len(playlist.entries), mine=number, of=renditions)
        works.append(partial(_decode_key_frames, root, playlist, variant.size, chosen))
    works += [partial(_decode_sound, root, track) for _, track in stream.sounds]
    with ThreadPoolExecutor(THREADS) as pool:
        pictures = sum(pool.map(lambda work: work(), works))
    return VerifyReply(segments=_count(stream), pictures=pictures)


def _count(stream: Stream) -> int:
    return sum(len(track.segments) for track in stream.tracks.values())


def _decode_pictures(root: Path, track: Track, size: tuple[int, int], chosen: Sequence[bool]) -> int:
    return sum(
        play_pictures(entry.path, track.init + read_file(root, entry.path), size=size, samples=segment.samples)
        for entry, segment in compress(zip(track.playlist.entries, track.segments, strict=True), chosen)
    )


def _decode_key_frames(root: Path, playlist: Playlist, size: tuple[int, int], chosen: Sequence[bool]) -> int:
    init = read_file(root, playlist.init)
    for entry in compress(playlist.entries, chosen):
        assert entry.offset is not None, "a rule has compared it"
        assert entry.size_bytes is not None, "a rule has compared it"
        data = read_file(root, entry.path)[entry.offset : entry.offset + entry.size_bytes]
        place = f"{entry.size_bytes}@{entry.offset}"
        play_key_frame(playlist.uri, init + data, place=place, size=size)
    return 0


def _decode_sound(root: Path, track: Track) -> int:
    for entry, segment in zip(track.playlist.entries, track.segments, strict=True):
        play_sound(entry.path, track.init + read_file(root, entry.path), samples=segment.units)
    return 0
