"""`academy transcode`: the transcode job by hand, as a child process, with no server at all."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli import figures, tables
from cli.child import run_module
from cli.options import AsJson
from cli.output import RESULTS, print_json, say
from cli.text_files import existing_file
from pipeline.contracts.envelope import OUTCOME_NAME, JobKind
from pipeline.execution.catalog import CATALOG
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_PERMANENT, EXIT_TRANSIENT


def transcode(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The video.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the stream and outcome.json go; made if need be.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make an adaptive HLS stream of FILE in FOLDER, without any server.

    Exits 0 when the stream is ready, 2 when there is no FILE, 65 when FILE can never become a stream, 75 when another
    try may succeed.
    """
    outcome = folder / OUTCOME_NAME
    before = _stamp(outcome)
    code = _run_job(existing_file(file), folder, quiet_stdout=as_json)
    # An outcome of an earlier run says nothing about this one.
    if _stamp(outcome) != before:
        _show(json.loads(outcome.read_text()), folder, as_json=as_json)
    elif code != EXIT_DONE:
        say(f"The job ended with exit code {code} and left no {OUTCOME_NAME}.")
    raise typer.Exit(code)


def _run_job(file: Path, folder: Path, *, quiet_stdout: bool) -> int:
    program, *arguments = CATALOG[JobKind.TRANSCODE].command
    assert program == "python"
    assert arguments[0] == "-m"
    stdout = sys.stderr if quiet_stdout else None
    return run_module([*arguments[1:], str(file), str(folder)], stdout=stdout)


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
