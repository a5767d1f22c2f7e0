"""Turns what was written into what is told of it: sizes, lengths and rates of each track. Pure."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from jobs.transcode.encoding.encode import EncodeReport, TrackFacts
from jobs.transcode.hls.languages import language_name, language_tag
from jobs.transcode.hls.layout import IFRAME_PLAYLIST_NAME, INIT_NAME, MEDIA_PLAYLIST_NAME, segment_name
from jobs.transcode.hls.playlists import IFrame, IFramePlaylist, IFrameVariant, MediaPlaylist
from jobs.transcode.measuring.rates import Part, average_bps, peak_bps
from jobs.transcode.planning.plan import AUDIO_RATE, Plan
from pipeline.contracts.transcode import AudioRendition, RateCurve, Rendition

# Of a rate over time: a report is drawn about this wide, and an outcome stays small.
CURVE_POINTS = 300


def media_playlists(report: EncodeReport) -> dict[str, MediaPlaylist]:
    """By the track's folder. Sound is cut at its own packets, so that its segments are longer by part of one."""
    tracks = [*report.renditions, *([report.audio] if report.audio is not None else [])]
    longest_s = max(Fraction(segment.units, track.timescale) for track in tracks for segment in track.segments)
    return {
        track.folder: MediaPlaylist(
            init=INIT_NAME,
            target_duration_s=ceil(longest_s),
            segments=tuple(
                (segment_name(number), Fraction(segment.units, track.timescale))
                for number, segment in enumerate(track.segments)
            ),
        )
        for track in tracks
    }


def iframe_playlists(report: EncodeReport) -> dict[str, IFramePlaylist]:
    """By the track's folder, for every rendition."""
    return {
        track.folder: IFramePlaylist(
            init=INIT_NAME,
            frames=tuple(
                IFrame(
                    name=segment_name(number),
                    length_s=Fraction(key.units, track.timescale),
                    offset=key.offset,
                    size_bytes=key.bytes,
                )
                for number, segment in enumerate(track.segments)
                for key in segment.keys
            ),
        )
        for track in report.renditions
    }


def measure_iframes(plan: Plan, report: EncodeReport) -> tuple[IFrameVariant, ...]:
    """One for every rendition, in the plan's order."""
    variants = []
    for rung, track in zip(plan.rungs, report.renditions, strict=True):
        parts = [
            (key.bytes, Fraction(key.units, track.timescale)) for segment in track.segments for key in segment.keys
        ]
        variants.append(
            IFrameVariant(
                playlist=f"{track.folder}/{IFRAME_PLAYLIST_NAME}",
                width=rung.width,
                height=rung.height,
                codecs=track.codecs,
                average_bps=average_bps(parts),
                peak_bps=peak_bps(parts),
            )
        )
    return tuple(variants)


def measure_renditions(plan: Plan, report: EncodeReport) -> tuple[Rendition, ...]:
    return tuple(
        Rendition(
            name=rung.name,
            width=rung.width,
            height=rung.height,
            frame_rate=round(float(plan.grid_of(rung).rate), 3),
            codecs=track.codecs,
            bytes=_bytes(track),
            segments=len(track.segments),
            duration_s=float(_duration_s(track)),
            average_bps=average_bps(_parts(track)),
            peak_bps=peak_bps(_parts(track)),
            playlist=f"{track.folder}/{MEDIA_PLAYLIST_NAME}",
            encoder=report.encoder,
            preset=preset,
        )
        for rung, track, preset in zip(plan.rungs, report.renditions, report.presets, strict=True)
    )


def rate_curves(plan: Plan, report: EncodeReport) -> tuple[RateCurve, ...]:
    """Each rendition's rate over time, of single segments or, in long videos, of as many as fit the points."""
    return tuple(
        RateCurve(name=rung.name, step_s=plan.grid.segment_s * together, bps=tuple(_rates(track, together)))
        for rung, track in zip(plan.rungs, report.renditions, strict=True)
        for together in [ceil(len(track.segments) / CURVE_POINTS)]
    )


def _rates(track: TrackFacts, together: int) -> Iterator[int]:
    for first in range(0, len(track.segments), together):
        run = track.segments[first : first + together]
        yield round(
            Fraction(8 * sum(segment.bytes for segment in run) * track.timescale, sum(segment.units for segment in run))
        )


def measure_audio(plan: Plan, report: EncodeReport) -> AudioRendition | None:
    track = report.audio
    if track is None or plan.audio is None:
        return None
    return AudioRendition(
        name=language_name(language_tag(plan.audio.language)),
        language=language_tag(plan.audio.language),
        sample_rate=AUDIO_RATE,
        channels=2,
        codecs=track.codecs,
        bytes=_bytes(track),
        segments=len(track.segments),
        duration_s=float(_duration_s(track)),
        average_bps=average_bps(_parts(track)),
        peak_bps=peak_bps(_parts(track)),
        playlist=f"{track.folder}/{MEDIA_PLAYLIST_NAME}",
    )


def _bytes(track: TrackFacts) -> int:
    return track.init_bytes + sum(segment.bytes for segment in track.segments)


def _duration_s(track: TrackFacts) -> Fraction:
    return Fraction(sum(segment.units for segment in track.segments), track.timescale)


def _parts(track: TrackFacts) -> list[Part]:
    return [(segment.bytes, Fraction(segment.units, track.timescale)) for segment in track.segments]
