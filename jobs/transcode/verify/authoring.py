"""The rules that a stream is held to, one function each, over what was parsed back from its files. Pure.

They are those of Apple's HLS authoring specification for Apple devices, and of RFC 8216 where a docstring says so. A
rule yields every place that breaks it: the file, and a sentence with the value found.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isclose

from jobs.transcode.hls.layout import MASTER_NAME
from jobs.transcode.hls.playlists import FIRST_VARIANT_BPS, LOWEST_VARIANT_BPS
from jobs.transcode.measuring.rates import average_bps, peak_bps
from jobs.transcode.verify.published import Playlist, Stream, Track, Variant

Broken = tuple[str, str]
"""The file in which a rule is broken, and how."""

RATE_TOLERANCE = 0.10
# EXT-X-MAP outside of I-frame playlists (RFC 8216, 7).
LEAST_VERSION = 6
AUDIO_PACKET_SAMPLES = 1024
# FRAME-RATE has three decimals.
FRAME_RATE_TOLERANCE = 0.001


@dataclass(frozen=True)
class Expected:
    """What was ordered: sizes from small to large, when segments begin, the most between two key frames.

    `starts_s` are the pictures' times; sound is cut at the packet nearest to each.
    """

    sizes: tuple[tuple[int, int], ...]
    has_audio: bool
    starts_s: tuple[Fraction, ...]
    key_frame_s: Fraction
    needs_low_variant: bool


Rule = Callable[[Stream, Expected], Iterator[Broken]]


def check_stream(stream: Stream, expected: Expected) -> Iterator[Broken]:
    for rule in RULES:
        yield from rule(stream, expected)


def variants_are_those_ordered(stream: Stream, expected: Expected) -> Iterator[Broken]:
    sizes = sorted(variant.size for variant in stream.master.variants if variant.size is not None)
    if sizes != sorted(expected.sizes):
        yield MASTER_NAME, f"its variants are {sizes}, ordered were {list(expected.sizes)}"
    if bool(stream.master.sounds) != expected.has_audio:
        yield MASTER_NAME, f"it names {len(stream.master.sounds)} tracks of sound"


def variants_say_all_that_players_ask(stream: Stream, _: Expected) -> Iterator[Broken]:
    """Rates and CODECS of every variant, size and rate of those with pictures."""
    for variant in [*stream.master.variants, *stream.master.iframe_variants]:
        said: dict[str, object] = {
            "BANDWIDTH": variant.bandwidth,
            "AVERAGE-BANDWIDTH": variant.average_bandwidth,
            "CODECS": variant.codecs,
        }
        if variant in stream.master.iframe_variants:
            said["RESOLUTION"] = variant.size
        elif variant.codecs and "avc1" in variant.codecs:
            said |= {"RESOLUTION": variant.size, "FRAME-RATE": variant.frame_rate}
        for name, value in said.items():
            if value is None:
                yield MASTER_NAME, f"{variant.uri} has no {name}"
    if not stream.master.is_independent:
        yield MASTER_NAME, "it does not say EXT-X-INDEPENDENT-SEGMENTS"


def codecs_are_those_of_the_headers(stream: Stream, _: Expected) -> Iterator[Broken]:
    """By the names of RFC 6381."""
    groups = {sound.group: track.codecs for sound, track in stream.sounds}
    for variant in stream.master.variants:
        track = stream.tracks[variant.uri]
        sound = groups.get(variant.audio_group) if variant.audio_group is not None else None
        codecs = track.codecs if sound in (None, track.codecs) else f"{track.codecs},{sound}"
        if variant.codecs != codecs:
            yield variant.uri, f"CODECS says {variant.codecs}, the headers {codecs}"


def sound_is_one_group_that_all_variants_name(stream: Stream, expected: Expected) -> Iterator[Broken]:
    """A name, a language, a default; every variant plays with it."""
    sounds = stream.master.sounds
    for sound in sounds:
        if not (sound.uri and sound.group and sound.name and sound.language and sound.channels):
            yield MASTER_NAME, f"EXT-X-MEDIA lacks an attribute: {sound}"
    if sounds and sum(sound.is_default for sound in sounds) != 1:
        yield MASTER_NAME, f"{sum(sound.is_default for sound in sounds)} tracks of sound are the default"
    groups = {sound.group for sound in sounds} if expected.has_audio else {None}
    for variant in stream.master.variants:
        if variant.audio_group not in groups:
            yield variant.uri, f"its sound is of the group {variant.audio_group}, there are {sorted(map(str, groups))}"


def frame_rates_are_those_of_the_pictures(stream: Stream, _: Expected) -> Iterator[Broken]:
    """Of the boxes, as three decimals tell it."""
    for variant, track in stream.pictures:
        rate = float(1 / track.sample_s(0))
        if variant.frame_rate is not None and not isclose(variant.frame_rate, rate, abs_tol=FRAME_RATE_TOLERANCE):
            yield variant.uri, f"FRAME-RATE says {variant.frame_rate}, pictures come {rate:.3f} times a second"


def playlists_are_whole_videos_on_demand(stream: Stream, _: Expected) -> Iterator[Broken]:
    """RFC 8216, 4.3.3 and 6.2: finished, from number 0, no segment above the target duration."""
    for playlist in [*(track.playlist for track in stream.tracks.values()), *stream.iframes.values()]:
        if not playlist.is_vod or not playlist.is_ended or playlist.media_sequence != 0 or not playlist.entries:
            yield playlist.uri, "it is not a finished VOD playlist"
            continue
        if playlist.version is None or playlist.version < LEAST_VERSION:
            yield playlist.uri, f"version {playlist.version} has no EXT-X-MAP"
        longest_s = max(entry.length_s for entry in playlist.entries)
        if longest_s > playlist.target_duration_s:
            target = playlist.target_duration_s
            yield playlist.uri, f"a segment of {float(longest_s):.3f} s is above the target duration of {target} s"


def tracks_share_one_target_duration(stream: Stream, _: Expected) -> Iterator[Broken]:
    """RFC 8216, 6.2.4; I-frame playlists are free of it."""
    targets = {track.playlist.target_duration_s for track in stream.tracks.values()}
    if len(targets) != 1:
        yield MASTER_NAME, f"its playlists have target durations of {sorted(targets)} s"
    for track in stream.tracks.values():
        if not track.playlist.is_independent or track.playlist.is_iframes_only:
            yield track.uri, "it does not say EXT-X-INDEPENDENT-SEGMENTS, or says EXT-X-I-FRAMES-ONLY"


def boundaries_are_the_same_everywhere(stream: Stream, expected: Expected) -> Iterator[Broken]:
    """At the ordered instants, exactly for pictures and to a packet for sound."""
    sounds = {track.uri for _, track in stream.sounds}
    for track in stream.tracks.values():
        if len(track.segments) != len(expected.starts_s):
            yield track.uri, f"{len(track.segments)} segments where {len(expected.starts_s)} are due"
            continue
        tolerance_s = Fraction(AUDIO_PACKET_SAMPLES, track.timescale) if track.uri in sounds else Fraction(0)
        for number, due_s in enumerate(expected.starts_s):
            at_s = track.shown_s(number)
            if abs(at_s - due_s) > tolerance_s:
                yield (
                    track.playlist.entries[number].path,
                    f"starts at {float(at_s):.4f} s, due is {float(due_s):.4f} s",
                )


def fragments_follow_each_other(stream: Stream, _: Expected) -> Iterator[Broken]:
    """No hole, no overlap, and the first picture of a fragment is the first that is shown."""
    for track in stream.tracks.values():
        due_units = 0
        for entry, segment in zip(track.playlist.entries, track.segments, strict=True):
            for fragment in segment.fragments:
                if fragment.start_units != due_units:
                    yield entry.path, f"starts at {fragment.start_units} where the one before it ends at {due_units}"
                if fragment.first_shown_units - track.delay_units != fragment.start_units:
                    yield entry.path, "its first picture is not the first that is shown"
                due_units = fragment.start_units + fragment.units


def fragments_start_with_a_key_frame(stream: Stream, _: Expected) -> Iterator[Broken]:
    """Marked as one, and in H.264 an IDR picture, to which nothing behind it looks back."""
    for track in stream.tracks.values():
        for entry, segment in zip(track.playlist.entries, track.segments, strict=True):
            for fragment in segment.fragments:
                if not fragment.starts_with_sync:
                    yield entry.path, "does not start with a key frame"
                elif track.codecs.startswith("avc1") and not fragment.holds_idr:
                    yield entry.path, "its first picture is no IDR"


def key_frames_are_close(stream: Stream, expected: Expected) -> Iterator[Broken]:
    """One at least every two seconds, of which none is further off than a picture."""
    for _, track in stream.pictures:
        for number, (entry, segment) in enumerate(zip(track.playlist.entries, track.segments, strict=True)):
            longest_s = Fraction(max(fragment.units for fragment in segment.fragments), track.timescale)
            if longest_s >= expected.key_frame_s + track.sample_s(number):
                yield entry.path, f"{float(longest_s):.3f} s without a key frame"


def lengths_are_true(stream: Stream, _: Expected) -> Iterator[Broken]:
    """EXTINF is within a picture, or a packet of sound, of the segment's length."""
    for track in stream.tracks.values():
        for number, entry in enumerate(track.playlist.entries):
            if abs(entry.length_s - track.length_s(number)) > track.sample_s(number):
                yield (
                    entry.path,
                    f"EXTINF is {float(entry.length_s):.4f} s, it lasts {float(track.length_s(number)):.4f} s",
                )


def rates_are_as_measured(stream: Stream, _: Expected) -> Iterator[Broken]:
    """Peak and average within 10 % of what is said; the sound of a variant counts with it."""
    groups = {sound.group: track for sound, track in stream.sounds}
    for variant in stream.master.variants:
        track = stream.tracks[variant.uri]
        tracks = {track.uri: track}
        if variant.audio_group in groups:
            sound = groups[variant.audio_group]
            tracks[sound.uri] = sound
        parts = [_parts(track) for track in tracks.values()]
        yield from _compare_rates(
            variant, peak=sum(peak_bps(part) for part in parts), average=sum(average_bps(part) for part in parts)
        )
    for variant in stream.master.iframe_variants:
        entries = [(entry.size_bytes or 0, entry.length_s) for entry in stream.iframes[variant.uri].entries]
        if entries:
            yield from _compare_rates(variant, peak=peak_bps(entries), average=average_bps(entries))


def _parts(track: Track) -> list[tuple[int, Fraction]]:
    return [(size, track.length_s(number)) for number, size in enumerate(track.sizes_bytes)]


def _compare_rates(variant: Variant, *, peak: int, average: int) -> Iterator[Broken]:
    for name, said, true in (
        ("BANDWIDTH", variant.bandwidth, peak),
        ("AVERAGE-BANDWIDTH", variant.average_bandwidth, average),
    ):
        if said is not None and abs(said - true) > RATE_TOLERANCE * true:
            yield MASTER_NAME, f"{variant.uri} has {name}={said}, measured are {true} bit/s"


def some_variant_suits_the_worst_connection(stream: Stream, expected: Expected) -> Iterator[Broken]:
    """9.21: one at or below 192 kbit/s."""
    lowest = min(variant.bandwidth or 0 for variant in stream.master.variants)
    if expected.needs_low_variant and lowest > LOWEST_VARIANT_BPS:
        yield MASTER_NAME, f"its lowest variant needs {lowest} bit/s"


def the_first_variant_starts_on_a_phone(stream: Stream, _: Expected) -> Iterator[Broken]:
    """Players open the first before they know the connection; it has pictures, and a phone carries it."""
    first = stream.master.variants[0]
    carried = [
        variant
        for variant, _ in stream.pictures
        if variant.bandwidth is not None and variant.bandwidth <= FIRST_VARIANT_BPS
    ]
    if first.size is None or (carried and first not in carried):
        yield MASTER_NAME, f"its first variant is {first.uri} with {first.bandwidth} bit/s"


def every_rendition_can_be_scrubbed(stream: Stream, _: Expected) -> Iterator[Broken]:
    """6.1: an I-frame playlist for each, of the same size, with all of its key frames and only these."""
    for variant, track in stream.pictures:
        found = [item for item in stream.master.iframe_variants if item.size == variant.size]
        if len(found) != 1:
            yield MASTER_NAME, f"{variant.uri} has {len(found)} I-frame playlists of its size"
            continue
        if found[0].codecs != track.codecs:
            yield found[0].uri, f"CODECS says {found[0].codecs}, the headers {track.codecs}"
        yield from _compare_key_frames(stream.iframes[found[0].uri], track)


def _compare_key_frames(playlist: Playlist, track: Track) -> Iterator[Broken]:
    if not playlist.is_iframes_only or playlist.init != track.playlist.init:
        yield playlist.uri, "it is no I-frame playlist of its rendition"
    due = [
        (entry.path, fragment.offset, fragment.key_bytes, Fraction(fragment.units, track.timescale))
        for entry, segment in zip(track.playlist.entries, track.segments, strict=True)
        for fragment in segment.fragments
    ]
    if len(playlist.entries) != len(due):
        yield playlist.uri, f"it names {len(playlist.entries)} key frames, there are {len(due)}"
        return
    for entry, (path, offset, size, length_s) in zip(playlist.entries, due, strict=True):
        if (entry.path, entry.offset, entry.size_bytes) != (path, offset, size):
            yield playlist.uri, f"{entry.size_bytes}@{entry.offset} of {entry.path} where {size}@{offset} of {path} is"
        if abs(entry.length_s - length_s) > Fraction(1, 1000):
            yield (
                playlist.uri,
                f"a key frame lasts {float(entry.length_s):.3f} s, the next is {float(length_s):.3f} s off",
            )


RULES: tuple[Rule, ...] = (
    variants_are_those_ordered,
    variants_say_all_that_players_ask,
    playlists_are_whole_videos_on_demand,
    tracks_share_one_target_duration,
    sound_is_one_group_that_all_variants_name,
    codecs_are_those_of_the_headers,
    fragments_follow_each_other,
    fragments_start_with_a_key_frame,
    boundaries_are_the_same_everywhere,
    key_frames_are_close,
    lengths_are_true,
    frame_rates_are_those_of_the_pictures,
    rates_are_as_measured,
    some_variant_suits_the_worst_connection,
    the_first_variant_starts_on_a_phone,
    every_rendition_can_be_scrubbed,
)
