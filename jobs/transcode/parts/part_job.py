"""A child of an array: a run of segments of the whole stream, made apart from the others and handed to the join job."""

from pathlib import Path

from jobs.transcode.devices.decide import wish_of_part
from jobs.transcode.encoding.encode import encode
from jobs.transcode.encoding.encode_with_sound import encode_with_sound
from jobs.transcode.parts.archive import MadePart, pack
from jobs.transcode.parts.cutting import cut
from jobs.transcode.planning.plan import Plan
from jobs.transcode.planning.plan_source import plan_source
from jobs.transcode.sound.loudness import level_sound
from pipeline.contracts.envelope import OutputFile
from pipeline.contracts.transcode_part import PART_NAME, PART_STEPS, PartOutcome, PartSpec
from pipeline.execution.step_clock import Report
from pipeline.execution.workplace import Workplace

PRESIGNING, DOWNLOADING, PROBING, TRANSCODING, UPLOADING = PART_STEPS


def transcode_part(spec: PartSpec, work: Workplace) -> PartOutcome:
    """Raises what its steps raise; an outcome that is returned is ready and stored.

    Every child plans by itself: that reads all packets, a second for each hour, and decodes a few pictures.
    """
    # As in `transcode`: nothing of what the user called the file reaches a decoder.
    source, output = work.scratch / "source.bin", work.scratch / "output"
    output.mkdir()
    with work.step(PRESIGNING):
        work.check_source(spec.source)
    with work.step(DOWNLOADING) as report:
        work.fetch_source(spec.source, source, report)
    with work.step(PROBING):
        plan = plan_source(spec, source)
    with work.step(TRANSCODING) as report:
        made = _make(spec, plan, source=source, output=output, work=work, report=report)
        source.unlink()
    with work.step(UPLOADING) as report:
        archive = work.scratch / PART_NAME
        pack(made, output, archive)
        size_bytes = archive.stat().st_size
        file = OutputFile(path=PART_NAME, size_bytes=size_bytes, content_type="application/x-tar")
        work.publish(work.scratch, [file], report)
    return PartOutcome(status="ready", steps=work.step_times, size_bytes=size_bytes)


def _make(spec: PartSpec, plan: Plan, *, source: Path, output: Path, work: Workplace, report: Report) -> MadePart:
    parts = cut(plan, spec.parts)
    if spec.part >= len(parts):
        # Nobody knew when the array was submitted that a cut is not possible everywhere.
        return MadePart(plan=plan, part=None, report=None, sound=None)
    part = parts[spec.part]
    devices = wish_of_part(work.devices)
    if spec.part > 0 or part.has_sound or plan.audio is None:
        # One part that is the whole has its sound with it.
        written = encode(plan, part, source=source, output=output, devices=devices, limits=spec.limits, progress=report)
        return MadePart(plan=plan, part=part, report=written, sound=written.audio)
    # Only the sound hears of the gain, so that the others need not measure it.
    levelled = level_sound(plan, target_lufs=spec.loudness_lufs, source=source, limits=spec.limits)
    written, sound = encode_with_sound(
        levelled, part, source=source, output=output, devices=devices, limits=spec.limits, progress=report
    )
    return MadePart(plan=plan, part=part, report=written, sound=sound)
