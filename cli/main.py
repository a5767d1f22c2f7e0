"""The command `academy`."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import typer

from cli.exits import EXIT_CODES_HELP, exit_code_of
from cli.loading import LoadedWhenCalled, Place
from cli.output import REMARKS, say
from cli.sentences import sentence
from pipeline.errors import AcademyError, Invalid


class Commands(LoadedWhenCalled):
    places: ClassVar[Mapping[str, Place]] = {
        "up": Place("cli.up", "Run the whole stack until Ctrl-C."),
        "demo": Place("cli.demo", "Turn a lecture into an adaptive stream: upload, job, progress, player."),
        "videos": Place("cli.videos", "Upload lectures, list them, follow the work on them."),
        "jobs": Place("cli.jobs", "Inspect, repeat and cancel the jobs that work on videos and answer sheets."),
        "omr": Place("cli.omr.app", "Read answer sheets: print them, read scans of them, review what is doubtful."),
        "transcode": Place("cli.transcode", "Make an adaptive HLS stream of FILE in FOLDER, without any server."),
        "bench": Place("cli.bench", "Measure how many pictures a second this machine's GPU encodes and decodes."),
        "cost": Place(
            "cli.cost",
            "Print what a month would cost, by what was measured and by list prices, and show the arithmetic.",
        ),
        "configure": Place("cli.configure", "Have the other commands talk to a stack in AWS"),
        "doctor": Place(
            "cli.doctor", "Look at what this machine has: codecs that really open, GPU, servers, disk, versions."
        ),
    }


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    # A traceback with its variables would show tokens.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - 20 ms that only this option needs

        typer.echo(version("academy-media-pipeline"))
        raise typer.Exit


@app.callback(
    help=f"Lectures become adaptive streams, answer sheets become marks.\n\n{EXIT_CODES_HELP}",
    epilog="Example: academy up   and, in another terminal,   academy videos upload lecture.mp4",
)
def academy(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Its help stands above, since it is put together."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; always ends in SystemExit, with a code of `cli.exits`."""
    try:
        app(list(arguments) if arguments is not None else None, prog_name="academy")
    except AcademyError as error:
        _tell(error)
        sys.exit(exit_code_of(error))
    except OSError as error:
        if error.filename is None:
            raise
        # A name that is too long, a folder that may not be read: which file, and why, is all there is to say.
        unusable = Invalid("file_unusable", f"{error.filename} cannot be used: {error.strerror}")
        _tell(unusable)
        sys.exit(exit_code_of(unusable))


def _tell(error: AcademyError) -> None:
    """A sentence for people first, then the reason code and what else is known."""
    said = sentence(error.reason)
    text, rest = (said, str(error)) if said else (error.detail or error.reason, error.reason if error.detail else "")
    REMARKS.print("[bold red]Error:[/bold red]", end=" ")
    say(text)
    if rest:
        REMARKS.print(f"       {rest}", markup=False, soft_wrap=True, style="dim")


if __name__ == "__main__":
    main()
