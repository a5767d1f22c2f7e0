"""The same job by hand, with no server at all: `python -m jobs.transcode FILE FOLDER`."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import StepTime
from pipeline.errors import JobError, TransientError
from pipeline.execution.attempt.output_folder import FolderRefused, OutputFolder, open_output_folder
from pipeline.execution.attempt.progress_display import open_display
from pipeline.execution.attempt.scratch import open_scratch
from pipeline.execution.attempt.termination import Raised, Termination
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_PERMANENT
from pipeline.execution.files.local_files import LocalFiles
from pipeline.execution.job_environment import DeviceEnvironment
from pipeline.execution.job_failure import detail_of, exit_code_of, failure_of, is_foreseen, reason_of
from pipeline.execution.job_program import JobProgram, OutcomeT, SpecT
from pipeline.execution.step_clock import StepClock
from pipeline.execution.workplace import Workplace
from pipeline.logs import get_logger
from pipeline.reasons import SENTENCES, Reason

log = get_logger(__name__)


class _SpecUnusable(Exception):
    """The fields that the user gave do not make a spec."""


class _EnvironmentUnusable(Exception):
    """A variable has a value that none of its words is."""


def run_by_hand(program: JobProgram[SpecT, OutcomeT], arguments: Sequence[str], termination: Termination) -> int:
    """Do the job that the command line describes and return the exit code; FOLDER holds outputs and outcome.json."""
    options = _parser(program).parse_args(arguments)
    try:
        fields = _fields(options.spec)
        devices = _devices()
        with open_output_folder(options.folder) as folder:
            return _run(program, options.file, fields=fields, devices=devices, folder=folder, termination=termination)
    except (FolderRefused, _SpecUnusable, _EnvironmentUnusable) as exc:
        _say(f"error: {exc}")
        return EXIT_PERMANENT


def _run(
    program: JobProgram[SpecT, OutcomeT],
    file: Path,
    *,
    fields: Mapping[str, Any],
    devices: DeviceWish,
    folder: OutputFolder,
    termination: Termination,
) -> int:
    scratch_parent = Path(os.environ.get("JOB_SCRATCH", folder.scratch))
    with open_scratch(scratch_parent) as scratch, open_display() as display:
        clock = StepClock(program.steps, display, on_report=termination.raise_if_asked)
        workplace = Workplace(scratch, clock, files=LocalFiles(folder.outputs), devices=devices)
        ended = termination.settle(lambda: program.run(_spec(program, file, fields), workplace))
    if not isinstance(ended, Raised):
        try:
            folder.replace_contents(ended.model_dump_json(indent=2))
        except OSError as exc:
            ended = Raised(exc)
        else:
            return EXIT_DONE
    if isinstance(ended.error, _SpecUnusable):
        raise ended.error
    failure = failure_of(ended.error)
    if termination.asked.is_set():
        # Ctrl-C reaches the decoders too: what broke while everything was being stopped says nothing about the file.
        failure = TransientError(Reason.TERMINATED, "asked to stop")
    elif not is_foreseen(ended.error):
        log.error("job_failed", exc_info=ended.error)
    return _leave_failure(program, failure, folder=folder, steps=clock.step_times)


def _leave_failure(
    program: JobProgram[SpecT, OutcomeT], failure: JobError, *, folder: OutputFolder, steps: Sequence[StepTime]
) -> int:
    reason, detail = reason_of(failure), detail_of(failure)
    _say(f"failed: {reason}: {SENTENCES[reason].en} {detail}".rstrip())
    try:
        folder.replace_by_failure(program.failed_outcome(reason, detail, steps).model_dump_json(indent=2))
    except OSError as exc:
        _say(f"error: outcome.json could not be written: {exc}")
    return exit_code_of(failure)


def _parser(program: JobProgram[SpecT, OutcomeT]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m jobs.{program.kind.value}",
        description=f"Run a {program.kind.value} job by hand. Exit codes: 0 done, 65 bad input, 75 try again.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the source")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="new, empty, or with outputs of an earlier run")
    parser.add_argument("--spec", type=Path, metavar="JSON", help="a file with fields of the spec to set")
    return parser


def _fields(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise _SpecUnusable(f"{path}: {exc}") from exc
    if not isinstance(fields, dict):
        raise _SpecUnusable(f"{path} holds no JSON object")
    return fields


def _devices() -> DeviceWish:
    try:
        return DeviceEnvironment.read(os.environ).devices
    except ValidationError as exc:
        wrong = "; ".join(f"{error['loc'][0]}={error['input']!r}: {error['msg']}" for error in exc.errors())
        raise _EnvironmentUnusable(wrong) from exc


def _spec(program: JobProgram[SpecT, OutcomeT], file: Path, fields: Mapping[str, Any]) -> SpecT:
    try:
        return program.spec_for_file(file, fields)
    except ValidationError as exc:
        raise _SpecUnusable(f"the spec cannot be used: {exc}") from exc


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
