"""`python -m jobs.omr.read FILES --template T`: answer sheets read by hand, with no server and no job around it.

stdout has a line a page, as they end, in the order of files and pages: in words, or with `--json` a `SheetReading`.
Exit codes: 0 when all pages were looked at, read or refused; 65 for a template that cannot be used, 75 to try again.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jobs.omr.reader.reading_batch import Batch, BatchFile, read_batch
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.contracts.omr import Engine, Marking, SheetReading
from pipeline.errors import AcademyError, Invalid
from pipeline.execution.attempt.termination import Termination
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_PERMANENT
from pipeline.execution.job_failure import exit_code_of, failure_of
from pipeline.logs import configure_logs


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    configure_logs(os.environ.get("LOG_LEVEL", "error"))
    seen: Counter[str] = Counter()

    def take(reading: SheetReading) -> None:
        seen[_kind_of(reading)] += 1
        sys.stdout.write((reading.model_dump_json() if options.json else _in_words(reading)) + "\n")
        sys.stdout.flush()

    try:
        with Termination() as termination:
            read_batch(_batch(options), take, lambda _share: termination.raise_if_asked())
    except Invalid as error:
        _say(f"{error.reason}: {error.detail}")
        return EXIT_PERMANENT
    except AcademyError as error:
        _say(f"failed: {error}")
        return exit_code_of(failure_of(error))
    _say(f"{seen.total()} sheets: {seen['read']} read, {seen['review']} to review, {seen['refused']} refused")
    return EXIT_DONE


def _batch(options: argparse.Namespace) -> Batch:
    opened = open_template(options.template)
    if options.overlays is not None:
        options.overlays.mkdir(parents=True, exist_ok=True)
    return Batch(
        template=opened.template,
        pictures=opened.pictures,
        files=[BatchFile(str(path), path) for path in options.files],
        engine=options.engine,
        overlays=options.overlays,
    )


def _in_words(reading: SheetReading) -> str:
    place = f"{reading.file} page {reading.page}:"
    if reading.state == "refused":
        return f"{place} refused: {reading.reason} {reading.detail}".rstrip()
    student = [] if reading.identifier is None else [f"student {reading.identifier.value or '?'}"]
    answered = sum(answer.marking is not Marking.BLANK for answer in reading.answers)
    review = [f"review {' '.join(reading.review_reasons)}"] if reading.review_reasons else []
    return f"{place} " + ", ".join([*student, f"{answered} of {len(reading.answers)} answered", *review])


def _kind_of(reading: SheetReading) -> str:
    if reading.state == "refused":
        return "refused"
    return "review" if reading.review_reasons else "read"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.omr.read", description="Read answer sheets without a server.")
    parser.add_argument("files", type=_file, nargs="+", metavar="FILES", help="PDF, TIFF, PNG, JPEG, WebP, ZIP")
    parser.add_argument("--template", type=Path, required=True, metavar="FILE", help="ours, or another reader's")
    parser.add_argument("--overlays", type=Path, metavar="FOLDER", help="draws what was read, a picture for each page")
    parser.add_argument("--json", action="store_true", help="print each page's reading whole, in JSON")
    parser.add_argument("--engine", type=Engine, choices=list(Engine), default=Engine.AUTO, help="what judges bubbles")
    return parser


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{name} is not a file")
    return path


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
