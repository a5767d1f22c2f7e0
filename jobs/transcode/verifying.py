"""The sandboxed half of `jobs.transcode.verify`: reads a stream back, checks the rules, and decodes it.

The boxes of every segment are read. Of the pictures each moment is decoded in one of the renditions, in turn, and
scrubbed in another: a decoder sees all of the source's time, and all of every encoder's start and end.
"""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from itertools import compress
from pathlib import Path

import av

from jobs.transcode.authoring import Expected, check_stream
from jobs.transcode.published import Playlist, Stream, Track, read_file, read_stream, refuse
from jobs.transcode.verify import VerifyReply, VerifyRequest

# A stream may differ from its source by this much: the greater of both.
DURATION_TOLERANCE_S = 0.2
DURATION_TOLERANCE_SHARE = 0.02

# Any broken bit is an error, where a player would conceal it.
DECODER_OPTIONS = {"err_detect": "explode"}
# One a core of the smallest worker: FFmpeg works outside the interpreter's lock.
THREADS = 2


def verify_stream(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = VerifyRequest.model_validate_json(request)
    root = Path(asked.output)
    stream = read_stream(root)
    for file, what in check_stream(stream, expected_of(asked)):
        raise refuse(file, what)
    for track in stream.tracks.values():
        _check_duration(track, asked.source_s)
    return _decode(root, stream).model_dump(mode="json")


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


def in_turn(count: int, *, mine: int, of: int) -> Sequence[bool]:
    """Which of `count` pieces fall to rendition `mine` of `of`: every `of`-th, and the first and the last to each."""
    return [(number - mine) % of == 0 or number in (0, count - 1) for number in range(count)]


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
    return VerifyReply(segments=sum(len(track.segments) for track in stream.tracks.values()), pictures=pictures)


def _decode_pictures(root: Path, track: Track, size: tuple[int, int], chosen: Sequence[bool]) -> int:
    total = 0
    for entry, segment in compress(zip(track.playlist.entries, track.segments, strict=True), chosen):
        decoded = 0
        try:
            with _open(track.init + read_file(root, entry.path)) as container:
                video = container.streams.video[0]
                video.codec_context.options = DECODER_OPTIONS
                for frame in container.decode(video):
                    if (frame.width, frame.height) != size or frame.is_corrupt:
                        raise refuse(entry.path, f"a picture of {frame.width}x{frame.height} is not {size}")
                    decoded += 1
        except (av.error.FFmpegError, IndexError) as error:
            raise refuse(entry.path, f"cannot be decoded after {decoded} pictures: {error}") from error
        if decoded != segment.samples:
            raise refuse(entry.path, f"{decoded} of {segment.samples} pictures decode")
        total += decoded
    return total


def _decode_key_frames(root: Path, playlist: Playlist, size: tuple[int, int], chosen: Sequence[bool]) -> int:
    init = read_file(root, playlist.init)
    for entry in compress(playlist.entries, chosen):
        assert entry.offset is not None, "a rule has compared it"
        assert entry.size_bytes is not None, "a rule has compared it"
        data = read_file(root, entry.path)[entry.offset : entry.offset + entry.size_bytes]
        try:
            with _open(init + data) as container:
                frame = next(container.decode(video=0))
        except (av.error.FFmpegError, IndexError, StopIteration) as error:
            raise refuse(playlist.uri, f"{entry.size_bytes}@{entry.offset} cannot be decoded: {error}") from error
        if (frame.width, frame.height) != size or not frame.key_frame:
            raise refuse(playlist.uri, f"{entry.size_bytes}@{entry.offset} is no key frame of {size}")
    return 0


def _decode_sound(root: Path, track: Track) -> int:
    for entry, segment in zip(track.playlist.entries, track.segments, strict=True):
        try:
            with _open(track.init + read_file(root, entry.path)) as container:
                samples = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
        except (av.error.FFmpegError, IndexError) as error:
            raise refuse(entry.path, f"cannot be decoded: {error}") from error
        if samples != segment.units:
            raise refuse(entry.path, f"{samples} of {segment.units} samples decode")
    return 0


def _open(data: bytes) -> "av.container.InputContainer":
    return av.open(io.BytesIO(data), "r", format="mov")
