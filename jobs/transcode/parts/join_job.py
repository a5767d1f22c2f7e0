"""Brings what the children of an array have made together, as if one process had made it."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jobs.transcode.encoding.damage import refuse_damage
from jobs.transcode.encoding.encode import EncodeReport
from jobs.transcode.hls.publish import describe
from jobs.transcode.measuring.quality import is_asked_for, measure_quality
from jobs.transcode.measuring.renditions import measure_renditions
from jobs.transcode.parts.archive import MadePart, segments_of, unpack
from jobs.transcode.parts.joining import PartsDiffer, check_parts, check_whole, join
from jobs.transcode.planning.plan import Plan
from jobs.transcode.written import Written
from pipeline.contracts.transcode import STEPS, Rendition, Source, TranscodeSpec
from pipeline.errors import PermanentError
from pipeline.execution.step_clock import Report
from pipeline.execution.workplace import Workplace
from pipeline.media.probing_soon import no_probing
from pipeline.reasons import Reason

TRANSCODING = STEPS[3]

# A store answers several requests as fast as one, and each part that has come sends its segments on four at a time.
AT_ONCE = 4


def join_parts(spec: TranscodeSpec, work: Workplace, output: Path) -> Written:
    """Fetch all parts, put their segments below `output`, and judge the whole source by what they decoded of it.

    Raises CORRUPT, TRUNCATED or EMPTY_VIDEO, and INTERNAL_ERROR or GPU_UNAVAILABLE for parts that do not fit.
    """
    no_probing()
    with work.step(TRANSCODING) as report:
        fetching = _Fetching(work, output, report, parts=len(spec.made))
        made = fetching.run(spec.made)
        plan = made[0].plan
        written = _join(plan, made)
        refuse_damage(plan, written.coverage)
        renditions = measure_renditions(plan, written)
        if is_asked_for(os.environ):
            renditions = _measure_quality(spec, plan, written, renditions, output=output, work=work)
    return Written(
        plan=plan,
        parts=tuple(one.part for one in made if one.part is not None),
        report=written,
        renditions=renditions,
        stored=frozenset(fetching.stored),
    )


def _join(plan: Plan, made: Sequence[MadePart]) -> EncodeReport:
    if any(other.plan != plan for other in made):
        raise PermanentError(Reason.INTERNAL_ERROR, "the parts were made of different plans")
    reports = [one.report for one in made if one.report is not None]
    sounds = [one.sound for one in made if one.sound is not None]
    try:
        check_parts(plan, reports, sounds)
        written = join(reports, sounds[0] if sounds else None)
        check_whole(plan, written)
    except PartsDiffer as error:
        # Each child chooses for itself: one may have found its GPU's sessions used up.
        encoders = {report.encoder for report in reports}
        reason = Reason.GPU_UNAVAILABLE if len(encoders) > 1 else Reason.INTERNAL_ERROR
        raise PermanentError(reason, str(error)) from error
    return written


def _measure_quality(
    spec: TranscodeSpec,
    plan: Plan,
    written: EncodeReport,
    renditions: tuple[Rendition, ...],
    *,
    output: Path,
    work: Workplace,
) -> tuple[Rendition, ...]:
    """The only thing for which a join needs the source."""
    source = work.scratch / "source.bin"
    work.fetch_source(spec.source, source, lambda _: None)
    measured = measure_quality(plan, written, renditions, source=source, output=output, limits=spec.limits)
    source.unlink()
    return measured


class _Fetching:
    """Brings parts here and sends their segments on, several parts at a time."""

    def __init__(self, work: Workplace, output: Path, report: Report, *, parts: int) -> None:
        self._work = work
        self._output = output
        self._report = report
        self._done = [0.0] * parts
        self.stored: set[str] = set()

    def run(self, sources: Sequence[Source]) -> list[MadePart]:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="part") as pool:
            try:
                return list(pool.map(self._take, range(len(sources)), sources))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _take(self, number: int, source: Source) -> MadePart:
        archive = self._work.scratch / f"part-{number}.tar"
        self._work.fetch_source(source, archive, lambda done: self._tell(number, done / 2))
        made = unpack(archive, self._output)
        archive.unlink()
        files = [describe(self._output, name) for name in segments_of(made)]
        if files:
            # As with `EarlyUpload`: no playlist names them yet.
            self._work.publish(self._output, files, lambda done: self._tell(number, (1 + done) / 2))
        self.stored.update(file.path for file in files)
        return made

    def _tell(self, number: int, done: float) -> None:
        self._done[number] = done
        self._report(sum(self._done) / len(self._done))
