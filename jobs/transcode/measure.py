"""Turns what was written into what is told of it: sizes, lengths and rates of each track. Pure."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from jobs.transcode.encode import EncodeReport, TrackFacts
from jobs.transcode.layout import INIT_NAME, MEDIA_PLAYLIST_NAME, segment_name
from jobs.transcode.plan import AUDIO_RATE, Plan
from jobs.transcode.playlists import MediaPlaylist
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
            average_bps=_average_bps(track),
            peak_bps=_peak_bps(track),
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
        name=plan.audio.language or "main",
        language=plan.audio.language,
        sample_rate=AUDIO_RATE,
        channels=2,
        codecs=track.codecs,
        bytes=_bytes(track),
        segments=len(track.segments),
        duration_s=float(_duration_s(track)),
        average_bps=_average_bps(track),
        peak_bps=_peak_bps(track),
        playlist=f"{track.folder}/{MEDIA_PLAYLIST_NAME}",
    )


def _bytes(track: TrackFacts) -> int:
    return track.init_bytes + sum(segment.bytes for segment in track.segments)


def _duration_s(track: TrackFacts) -> Fraction:
    return Fraction(sum(segment.units for segment in track.segments), track.timescale)


def _average_bps(track: TrackFacts) -> int:
    """Over all segments (RFC 8216, 4.3.4.2)."""
    return round(8 * sum(segment.bytes for segment in track.segments) / _duration_s(track))


def _peak_bps(track: TrackFacts) -> int:
    """Of any run of segments that lasts 0.5 to 1.5 target durations; a short last one counts with the one before it."""
    target = max(segment.units for segment in track.segments)
    runs = [track.segments[n : n + length] for length in (1, 2) for n in range(len(track.segments) - length + 1)]
    lasting = [(sum(segment.bytes for segment in run), sum(segment.units for segment in run)) for run in runs]
    rates = [Fraction(8 * size * track.timescale, units) for size, units in lasting if 2 * units >= target]
    return max(round(max(rates)), _average_bps(track))
