"""A stream as another program finds it: its playlists as the `m3u8` package parses them, its boxes as they lie on disk.

Nothing of the plan or of the encoders is known here, so that a mistake of theirs cannot be repeated when it is looked
for. Raises VERIFY_FAILED, with the file, for what is missing or cannot be read.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath

import m3u8

from jobs.transcode.hls.boxes import SegmentTimes, read_codecs, read_delay, read_segment, read_timescale
from jobs.transcode.hls.layout import MASTER_NAME
from jobs.transcode.verify.playing import refuse

# What the readers of playlists and boxes raise for what they cannot read.
NONSENSE = (ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error)


@dataclass(frozen=True)
class Variant:
    """A line of the multivariant playlist; what it does not say is None."""

    uri: str
    bandwidth: int | None
    average_bandwidth: int | None
    codecs: str | None
    size: tuple[int, int] | None
    frame_rate: float | None
    audio_group: str | None


@dataclass(frozen=True)
class Sound:
    """An EXT-X-MEDIA line of type AUDIO."""

    uri: str | None
    group: str | None
    name: str | None
    language: str | None
    channels: str | None
    is_default: bool


@dataclass(frozen=True)
class Master:
    is_independent: bool
    variants: tuple[Variant, ...]
    iframe_variants: tuple[Variant, ...]
    sounds: tuple[Sound, ...]


@dataclass(frozen=True)
class Entry:
    """A segment, or a range of one: where it begins and how many bytes it has."""

    path: str
    length_s: Fraction
    offset: int | None
    size_bytes: int | None


@dataclass(frozen=True)
class Playlist:
    """A media playlist. Paths are below the stream's folder, as everywhere here."""

    uri: str
    version: int | None
    target_duration_s: int
    media_sequence: int
    is_vod: bool
    is_ended: bool
    is_independent: bool
    is_iframes_only: bool
    init: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Track:
    """A media playlist with what the boxes of its segments say, in units of `timescale` a second."""

    playlist: Playlist
    init: bytes
    codecs: str
    timescale: int
    delay_units: int
    segments: tuple[SegmentTimes, ...]
    sizes_bytes: tuple[int, ...]

    @property
    def uri(self) -> str:
        return self.playlist.uri

    @property
    def duration_s(self) -> Fraction:
        return Fraction(sum(segment.units for segment in self.segments), self.timescale)

    def shown_s(self, number: int) -> Fraction:
        """When the first picture of a segment is shown."""
        return Fraction(self.segments[number].first_shown_units - self.delay_units, self.timescale)

    def length_s(self, number: int) -> Fraction:
        return Fraction(self.segments[number].units, self.timescale)

    def sample_s(self, number: int) -> Fraction:
        return self.length_s(number) / self.segments[number].samples


@dataclass(frozen=True)
class Stream:
    """All tracks that the multivariant playlist names, by their playlists' paths."""

    master: Master
    tracks: dict[str, Track]
    iframes: dict[str, Playlist]

    @property
    def pictures(self) -> list[tuple[Variant, Track]]:
        """The variants that have pictures, in the playlist's order."""
        return [(variant, self.tracks[variant.uri]) for variant in self.master.variants if variant.size is not None]

    @property
    def sounds(self) -> list[tuple[Sound, Track]]:
        return [(sound, self.tracks[sound.uri]) for sound in self.master.sounds if sound.uri is not None]


def read_stream(root: Path) -> Stream:
    master = _read_master(root)
    uris = [variant.uri for variant in master.variants] + [sound.uri for sound in master.sounds if sound.uri]
    return Stream(
        master=master,
        tracks={uri: _read_track(root, uri) for uri in dict.fromkeys(uris)},
        iframes={variant.uri: _read_playlist(root, variant.uri) for variant in master.iframe_variants},
    )


def read_file(root: Path, name: str) -> bytes:
    try:
        data = (root / name).read_bytes()
    except OSError as error:
        raise refuse(name, "it is not there") from error
    if not data:
        raise refuse(name, "it is empty")
    return data


def _parse(root: Path, uri: str) -> "m3u8.M3U8":
    text = read_file(root, uri).decode()
    if not text.startswith("#EXTM3U\n"):
        raise refuse(uri, "it does not start with #EXTM3U")
    try:
        return m3u8.loads(text)
    except NONSENSE as error:
        raise refuse(uri, f"it cannot be parsed: {error}") from error


def _read_master(root: Path) -> Master:
    parsed = _parse(root, MASTER_NAME)
    if not parsed.playlists:
        raise refuse(MASTER_NAME, "it has no variants")
    return Master(
        is_independent=parsed.is_independent_segments,
        variants=tuple(_variant(playlist.uri, playlist.stream_info) for playlist in parsed.playlists),
        iframe_variants=tuple(
            _variant(playlist.uri, playlist.iframe_stream_info) for playlist in parsed.iframe_playlists
        ),
        sounds=tuple(
            Sound(
                uri=media.uri,
                group=media.group_id,
                name=media.name,
                language=media.language,
                channels=media.channels,
                is_default=media.default == "YES",
            )
            for media in parsed.media
            if media.type == "AUDIO"
        ),
    )


def _variant(uri: str, said: "m3u8.StreamInfo") -> Variant:
    return Variant(
        uri=uri,
        bandwidth=said.bandwidth,
        average_bandwidth=said.average_bandwidth,
        codecs=said.codecs,
        size=said.resolution,
        frame_rate=said.frame_rate,
        audio_group=said.audio,
    )


def _read_playlist(root: Path, uri: str) -> Playlist:
    parsed = _parse(root, uri)
    folder = PurePosixPath(uri).parent
    try:
        return Playlist(
            uri=uri,
            version=parsed.version,
            target_duration_s=int(parsed.target_duration),
            media_sequence=int(parsed.media_sequence or 0),
            is_vod=parsed.playlist_type == "vod",
            is_ended=parsed.is_endlist,
            is_independent=parsed.is_independent_segments,
            is_iframes_only=parsed.is_i_frames_only,
            init=str(folder / parsed.segment_map[0].uri),
            entries=tuple(_entries(folder, parsed.segments)),
        )
    except NONSENSE as error:
        raise refuse(uri, f"it lacks what a playlist needs: {error}") from error


def _entries(folder: PurePosixPath, segments: "m3u8.SegmentList") -> Iterator[Entry]:
    for segment in segments:
        size, _, offset = (segment.byterange or "").partition("@")
        yield Entry(
            path=str(folder / segment.uri),
            length_s=Fraction(segment.duration).limit_denominator(10**6),
            offset=int(offset) if offset else None,
            size_bytes=int(size) if size else None,
        )


def _read_track(root: Path, uri: str) -> Track:
    playlist = _read_playlist(root, uri)
    init = read_file(root, playlist.init)
    try:
        codecs, timescale, delay_units = read_codecs(init), read_timescale(init), read_delay(init)
    except NONSENSE as error:
        raise refuse(playlist.init, str(error)) from error
    segments, sizes = [], []
    for entry in playlist.entries:
        data = read_file(root, entry.path)
        try:
            segments.append(read_segment(data))
        except NONSENSE as error:
            raise refuse(entry.path, str(error)) from error
        sizes.append(len(data))
    return Track(
        playlist=playlist,
        init=init,
        codecs=codecs,
        timescale=timescale,
        delay_units=delay_units,
        segments=tuple(segments),
        sizes_bytes=tuple(sizes),
    )
