"""`academy transcode`: the transcode job by hand, as a child process, with no server at all."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import typer

from cli import figures, tables
from cli.options import AsJson
from cli.output import RESULTS, print_json, say
from pipeline.contracts.envelope import OUTCOME_NAME, JobKind
from pipeline.execution.catalog import CATALOG, EXIT_DONE, EXIT_PERMANENT, EXIT_TRANSIENT

# A job that is told to stop must be gone within 20 s; the executor kills it after 30.
STOP_WITHIN_S: Final = 30.0
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ToldToStop(Exception):
    """One of STOP_SIGNALS has arrived."""


def transcode(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The video.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the stream and outcome.json go; made if need be.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make an adaptive HLS stream of FILE in FOLDER, without any server.

    Exits 0 when the stream is ready, 65 when FILE can never become one, 75 when another try may succeed.
    """
    outcome = folder / OUTCOME_NAME
    before = _stamp(outcome)
    code = _run_job(file, folder, quiet_stdout=as_json)
    # An outcome of an earlier run says nothing about this one.
    if _stamp(outcome) != before:
        _show(json.loads(outcome.read_text()), folder, as_json=as_json)
    elif code != EXIT_DONE:
        say(f"The job ended with exit code {code} and left no {OUTCOME_NAME}.")
    raise typer.Exit(code)


def _run_job(file: Path, folder: Path, *, quiet_stdout: bool) -> int:
    """The job's exit code; 128 + the signal's number where one killed it. What stops us stops it first."""
    program, *arguments = CATALOG[JobKind.TRANSCODE].command
    assert program == "python"
    child = subprocess.Popen(
        [sys.executable, *arguments, str(file), str(folder)],
        stdout=sys.stderr if quiet_stdout else None,
        # In a process group of its own, or Ctrl-C would reach the job as SIGINT besides the SIGTERM that it knows.
        process_group=0,
    )
    with _signals_raise():
        try:
            code = child.wait()
        except ToldToStop:
            code = _stop(child)
    return code if code >= 0 else 128 - code


def _stop(child: subprocess.Popen[bytes]) -> int:
    """End the child, however often we are told to stop meanwhile."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    say("Stopping …")
    child.terminate()
    try:
        return child.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


@contextmanager
def _signals_raise() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise ToldToStop

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _show(outcome: dict[str, Any], folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome)
        return
    if outcome["status"] == "failed":
        return  # the job has said so on stderr
    RESULTS.print(tables.renditions(outcome["renditions"]), "")
    RESULTS.print(tables.steps(outcome["steps"]), "")
    RESULTS.print(
        tables.fields(
            {
                "Length": figures.duration(outcome["duration_s"]),
                "Encoder": outcome.get("encoder"),
                "Decoder": outcome.get("decoder"),
                "Devices": "; ".join(outcome.get("device_notes") or ()),
                "Stream": folder / outcome["master"],
            }
        )
    )


# The codes are part of what scripts rely on, so `--help` names them.
EPILOG: Final = (
    f"Example: academy transcode lecture.mp4 stream/  ·  Exit codes: {EXIT_DONE} ready, {EXIT_PERMANENT} bad input, "
    f"{EXIT_TRANSIENT} worth another try"
)
