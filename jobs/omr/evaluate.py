"""`python -m jobs.omr.evaluate SET_FOLDER [--json]`: what is read compared with what is known to be right.

A set is a folder with images/, template.json and ground_truth.json. With `--errors FOLDER` each error is drawn there.
Exit codes: 0 when the set was read, 65 for a set that cannot be used.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.omr.evaluating.comparing import Verdict
from jobs.omr.evaluating.crops import file_name, has_output, write_crop
from jobs.omr.evaluating.running import ReadSheet, read_set
from jobs.omr.evaluating.totals import totals
from jobs.omr.evaluating.truth import load_truth
from jobs.omr.evaluating.wording import lines_of
from jobs.omr.reader.engines import open_engines
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.contracts.omr import Engine
from pipeline.errors import AcademyError, Invalid
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_PERMANENT
from pipeline.execution.job_failure import exit_code_of, failure_of


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    try:
        opened = open_template(folder / "template.json")
        engines = open_engines(options.engine)
        sheets = list(read_set(folder, opened, load_truth(folder), engines=engines))
    except Invalid as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        return EXIT_PERMANENT
    except AcademyError as error:
        sys.stderr.write(f"failed: {error}\n")
        return exit_code_of(failure_of(error))
    if options.errors is not None:
        _draw_errors(options.errors, sheets)
    found = totals(
        folder.resolve().name,
        engines.first.name,
        [sheet.score for sheet in sheets],
        seconds=sum(sheet.seconds for sheet in sheets),
    )
    text = found.model_dump_json(indent=2) if options.json else "\n".join(lines_of(found, sheets))
    sys.stdout.write(text + "\n")
    return EXIT_DONE


def _draw_errors(folder: Path, sheets: list[ReadSheet]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for sheet in sheets:
        if sheet.registered is None:
            continue
        for each in (*sheet.score.answers, *sheet.score.identifiers):
            if each.verdict is not Verdict.RIGHT and has_output(sheet.form, each):
                number += 1
                write_crop(folder / file_name(each, number), sheet.registered, sheet.form, compared=each)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.omr.evaluate", description="How right the reader is.")
    parser.add_argument("folder", type=Path, metavar="SET_FOLDER", help="images/, template.json, ground_truth.json")
    parser.add_argument("--engine", type=Engine, choices=list(Engine), default=Engine.AUTO, help="what judges bubbles")
    parser.add_argument("--errors", type=Path, metavar="FOLDER", help="draws each error, a picture for each")
    parser.add_argument("--json", action="store_true", help="prints the figures in JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
