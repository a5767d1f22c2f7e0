"""The first steps of a transcode that one process does: fetch, plan, encode."""

import os
from contextlib import ExitStack
from pathlib import Path

from jobs.transcode.encoding.encode import EncodeReport, encode, encoding_soon
from jobs.transcode.encoding.first_picture import log_first_picture
from jobs.transcode.hls.early_upload import EarlyUpload, Run
from jobs.transcode.hls.layout import AUDIO_FOLDER
from jobs.transcode.measuring.quality import is_asked_for, measure_quality
from jobs.transcode.measuring.renditions import measure_renditions
from jobs.transcode.parts.cutting import whole
from jobs.transcode.planning.plan import Plan
from jobs.transcode.planning.plan_source import plan_source
from jobs.transcode.sound.loudness import level_sound
from jobs.transcode.written import Written
from pipeline.contracts.transcode import STEPS, TranscodeSpec
from pipeline.execution.step_clock import Report
from pipeline.execution.workplace import Workplace

PRESIGNING, DOWNLOADING, PROBING, TRANSCODING, *_ = STEPS


def encode_whole(spec: TranscodeSpec, work: Workplace, output: Path) -> Written:
    # One fixed name: nothing of what the user called the file reaches a decoder.
    source = work.scratch / "source.bin"
    with work.step(PRESIGNING):
        work.check_source(spec.source)
    with work.step(DOWNLOADING) as report:
        work.fetch_source(spec.source, source, report)
    with ExitStack() as early:
        with work.step(PROBING):
            # Its child loads while the source is sampled.
            plan = plan_source(spec, source, once_probed=lambda seen: early.enter_context(encoding_soon(seen.video)))
        with work.step(TRANSCODING) as report:
            plan = level_sound(plan, target_lufs=spec.loudness_lufs, source=source, limits=spec.limits)
            written, stored = _encode(spec, plan, source=source, output=output, work=work, report=report)
        renditions = measure_renditions(plan, written)
        if is_asked_for(os.environ):
            renditions = measure_quality(plan, written, renditions, source=source, output=output, limits=spec.limits)
        source.unlink()
    return Written(plan=plan, parts=(whole(plan),), report=written, renditions=renditions, stored=stored)


def _encode(
    spec: TranscodeSpec, plan: Plan, *, source: Path, output: Path, work: Workplace, report: Report
) -> tuple[EncodeReport, frozenset[str]]:
    """What was written, and the names of the segments that are stored already."""
    part = whole(plan)
    folders = [rung.folder for rung in plan.rungs] + ([AUDIO_FOLDER] if plan.audio is not None else [])
    with EarlyUpload(work, output, [Run(folder, part.segments) for folder in folders]) as early:

        def progress(done: float) -> None:
            early.check()
            report(done)

        written = encode(
            plan,
            part,
            source=source,
            output=output,
            devices=work.devices,
            limits=spec.limits,
            progress=progress,
            listen=log_first_picture,
        )
    return written, frozenset(early.stored)
