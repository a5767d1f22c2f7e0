"""Joins what was written of a plan's parts into what one process would have told of the whole. Pure."""

from collections.abc import Sequence

from jobs.transcode.encoding.encode import CoverageFacts, EncodeReport, TrackFacts
from jobs.transcode.hls.layout import AUDIO_FOLDER
from jobs.transcode.planning.plan import AUDIO_PACKET, AUDIO_RATE, Plan


class PartsDiffer(Exception):
    """Parts that a player cannot play behind each other, or that leave a hole; the message says where."""


def check_parts(plan: Plan, parts: Sequence[EncodeReport], sounds: Sequence[TrackFacts]) -> None:
    """Raise `PartsDiffer` unless each part has the tracks of its plan and no others, and one the sound if there is any.

    What a part tells of itself is not to be trusted: a track under another's name would take the place of its files.
    """
    folders = [rung.folder for rung in plan.rungs]
    if not parts:
        raise PartsDiffer("no part has pictures")
    for part in parts:
        found = [track.folder for track in part.renditions]
        if found != folders or len(part.presets) != len(folders):
            raise PartsDiffer(f"a part has the renditions {found} {list(part.presets)}, planned are {folders}")
    due = [AUDIO_FOLDER] if plan.audio is not None else []
    if [track.folder for track in sounds] != due:
        raise PartsDiffer(f"the parts and their sound: {[track.folder for track in sounds]} were made, due is {due}")


def check_whole(plan: Plan, joined: EncodeReport) -> None:
    """Raise `PartsDiffer` unless every track has all of the plan's segments, from the first, and lasts as long."""
    due = len(plan.grid.starts())
    for rung, track in zip(plan.rungs, joined.renditions, strict=True):
        grid = plan.grid_of(rung)
        _check_track(track, segments=due, units=grid.pictures * grid.picture_units, timescale=grid.timescale)
    if joined.audio is not None:
        units = plan.grid.audio_packets * AUDIO_PACKET
        _check_track(joined.audio, segments=due, units=units, timescale=AUDIO_RATE)


def _check_track(track: TrackFacts, *, segments: int, units: int, timescale: int) -> None:
    found = (track.first_segment, len(track.segments), sum(each.units for each in track.segments), track.timescale)
    if found != (0, segments, units, timescale):
        first, count, lasts, scale = found
        raise PartsDiffer(
            f"{track.folder} has {count} segments from {first} on that last {lasts}/{scale} s,"
            f" planned are all of {segments} from 0 on and {units}/{timescale} s"
        )


def join(parts: Sequence[EncodeReport], sound: TrackFacts | None) -> EncodeReport:
    """Of all parts of a plan, in their order, and of its sound. Raises `PartsDiffer`."""
    first = parts[0]
    for part in parts[1:]:
        if (part.encoder, part.presets) != (first.encoder, first.presets):
            raise PartsDiffer(f"encoded with {part.encoder} {part.presets} behind {first.encoder} {first.presets}")
    return EncodeReport(
        encoder=first.encoder,
        presets=first.presets,
        decoder=", ".join(dict.fromkeys(part.decoder for part in parts)),
        device_notes=tuple(dict.fromkeys(note for part in parts for note in part.device_notes)),
        coverage=CoverageFacts(
            pictures=sum(part.coverage.pictures for part in parts),
            broken=sum(part.coverage.broken for part in parts),
            ends_s=max(part.coverage.ends_s for part in parts),
        ),
        renditions=tuple(_join_track(runs) for runs in zip(*(part.renditions for part in parts), strict=True)),
        audio=sound,
    )


def _join_track(runs: Sequence[TrackFacts]) -> TrackFacts:
    """One init segment must serve all of them: its bytes are the same in each."""
    due = 0
    for run in runs:
        if run.first_segment != due:
            raise PartsDiffer(f"{run.folder} goes on with segment {run.first_segment} where {due} is due")
        if (run.folder, run.timescale, run.init_sha256) != (runs[0].folder, runs[0].timescale, runs[0].init_sha256):
            raise PartsDiffer(f"{run.folder} has another init segment from segment {run.first_segment} on")
        due += len(run.segments)
    return runs[0].model_copy(update={"segments": tuple(segment for run in runs for segment in run.segments)})
