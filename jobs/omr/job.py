"""The reading of answer sheets: files become one reading a page, as named steps over the spec."""

from collections.abc import Sequence
from pathlib import Path

from jobs.omr.reader.overlays import OVERLAYS_FOLDER
from jobs.omr.reader.reading_batch import Batch, BatchFile, read_batch
from pipeline.contracts.envelope import OutputFile
from pipeline.contracts.omr import STEPS, OmrOutcome, OmrSpec, SheetReading, UploadedFile
from pipeline.errors import PermanentError
from pipeline.execution.step_clock import Report
from pipeline.execution.workplace import Workplace
from pipeline.reasons import Reason

PRESIGNING, DOWNLOADING, READING, UPLOADING = STEPS

# What is wrong with one file of a batch for good, and says nothing about the others.
OF_ONE_FILE = frozenset({Reason.SOURCE_GONE, Reason.SOURCE_CHANGED})


def read_sheets(spec: OmrSpec, work: Workplace) -> OmrOutcome:
    """Raises what its steps raise; an outcome that is returned is ready, and its overlays are stored."""
    output = work.scratch / "output"
    overlays = output / OVERLAYS_FOLDER
    overlays.mkdir(parents=True)

    with work.step(PRESIGNING):
        for picture in spec.pictures:
            work.check_source(picture.source)
    with work.step(DOWNLOADING) as report:
        pictures, files = _fetch(spec, work, report)
    sheets: list[SheetReading] = []
    with work.step(READING) as report:
        batch = Batch(
            template=spec.template,
            files=files,
            pictures=pictures,
            engine=spec.engine,
            overlays=overlays if spec.overlays else None,
            first_page=spec.first_page,
            last_page=spec.last_page,
            limits=spec.limits,
        )
        ready = read_batch(batch, lambda reading: sheets.append(_with_path(reading)), report)
    with work.step(UPLOADING) as report:
        drawn = _drawn(output, sheets)
        if drawn:
            work.publish(output, drawn, report)

    return OmrOutcome(
        status="ready",
        sheets=tuple(sheets),
        engine=None if ready is None else ready.engine,
        provider=None if ready is None else ready.provider,
        steps=work.step_times,
    )


def _fetch(spec: OmrSpec, work: Workplace, report: Report) -> tuple[dict[str, Path], list[BatchFile]]:
    """One after the other, under names of our own: nothing of what the user called a file reaches a decoder."""
    total_bytes = sum(file.source.size_bytes for file in (*spec.pictures, *spec.files))
    fetched_bytes = 0

    def fetch(file: UploadedFile, name: str) -> Path:
        nonlocal fetched_bytes
        start, share = fetched_bytes / total_bytes, file.source.size_bytes / total_bytes
        target = work.scratch / name
        work.fetch_source(file.source, target, lambda done: report(start + done * share))
        fetched_bytes += file.source.size_bytes
        return target

    def fetch_or_refuse(file: UploadedFile, name: str) -> Path | PermanentError:
        try:
            return fetch(file, name)
        except PermanentError as error:
            if error.reason not in OF_ONE_FILE:
                raise
            return error

    pictures = {file.name: fetch(file, f"picture-{number}.bin") for number, file in enumerate(spec.pictures)}
    files = [
        BatchFile(file.name, fetch_or_refuse(file, f"source-{number}.bin"))
        for number, file in enumerate(spec.files, start=1)
    ]
    return pictures, files


def _with_path(reading: SheetReading) -> SheetReading:
    if reading.overlay is None:
        return reading
    return reading.model_copy(update={"overlay": f"{OVERLAYS_FOLDER}/{reading.overlay}"})


def _drawn(output: Path, sheets: Sequence[SheetReading]) -> list[OutputFile]:
    """Only what the readings name: a child that was taken over may have left other things."""
    paths = [sheet.overlay for sheet in sheets if sheet.overlay is not None]
    return [
        OutputFile(path=path, size_bytes=(output / path).stat().st_size, content_type="image/png") for path in paths
    ]
