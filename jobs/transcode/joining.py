"""Joins what was written of a plan's parts into what one process would have told of the whole. Pure."""

from collections.abc import Sequence

from jobs.transcode.encode import CoverageFacts, EncodeReport, TrackFacts


class PartsDiffer(Exception):
    """Parts that a player cannot play behind each other, or that leave a hole; the message says where."""


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
