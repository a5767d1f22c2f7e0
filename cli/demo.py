"""`academy demo`: one lecture through everything, as a browser would send it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from cli import figures, tables
from cli.api import Api, NewVideo
from cli.configuration import read_settings
from cli.connection import DEFAULT_TENANT, Connection, local_connection
from cli.exits import Exit
from cli.following import follow
from cli.output import REMARKS, RESULTS, say
from cli.rows import Video
from cli.text_files import filled_file
from cli.up import keep_serving, opened_stack
from cli.videos import player_url, send_source
from pipeline.embedded.interruption import Interrupted, interruptible
from pipeline.embedded.stack import Stack
from pipeline.embedded.stack_file import find_running_stack
from pipeline.errors import Invalid, Unavailable
from pipeline.lifecycle.video_state import VideoStatus
from pipeline.settings import Settings

EPILOG: Final = "Example: academy demo lecture.mp4"
LECTURE_S: Final = 20
LECTURE_WITHIN_S: Final = 300.0
WORK_WITHIN_S: Final = 24 * 3600.0


def demo(
    video: Annotated[
        Path | None, typer.Argument(metavar="VIDEO", help="A lecture.", show_default=f"one of {LECTURE_S} s is made")
    ] = None,
) -> None:
    """Turn a lecture into an adaptive stream: upload, job, progress, player. On a terminal it then keeps serving.

    It uses the stack that runs on this machine, else it starts one. Exits 1 with the reason where the work fails.
    """
    settings = read_settings()
    if video is not None:
        filled_file(video)
    ended = Exit.INTERRUPTED
    try:
        with interruptible() as hurry, _served(settings, hurry) as (api, stack):
            source = video if video is not None else _lecture(settings.academy_data)
            row = _through_everything(api, source)
            if row["status"] != VideoStatus.READY:
                say(f"{row['status']}: {tables.reason(row['error_reason'])}")
                raise typer.Exit(Exit.FAILED)
            ended = Exit.DONE
            _show(api, row, settings.academy_data.expanduser().absolute())
            if stack is not None and REMARKS.is_terminal:
                keep_serving(stack)
            elif stack is not None:
                say("Nobody watches this terminal, so the stack stops. The addresses answer again with: academy up")
    except Interrupted:
        raise typer.Exit(ended) from None


@contextmanager
def _served(settings: Settings, hurry: threading.Event) -> Iterator[tuple[Api, Stack | None]]:
    """The API of the running stack; without one, of a stack that is started for as long as this is open."""
    running = find_running_stack(settings.academy_data)
    if running is not None:
        say(f"Using the stack that runs at {running.api_url} (pid {running.pid}).")
        with Api(_connection(running.api_url, running.jwt_secret)) as api:
            yield api, None
        return
    with opened_stack(settings, hurry) as stack, Api(_connection(stack.api_url, stack.jwt_secret)) as api:
        yield api, stack


def _connection(api_url: str, jwt_secret: str | None) -> Connection:
    if jwt_secret is None:
        raise Invalid("demo_needs_jwt_secret", "the demo signs its own token, which JWT_JWKS_URL does not allow")
    return local_connection(api_url, jwt_secret, tenant=DEFAULT_TENANT)


def _lecture(data: Path) -> Path:
    """The lecture of our own, made once. It has its name only when it is complete."""
    target = data.expanduser().absolute() / "demo" / f"lecture-{LECTURE_S}s.mp4"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name("unfinished.mp4")
    with REMARKS.status(f"Making a lecture of {LECTURE_S} s …"):
        # A child: only pipeline.media opens codecs, and never in a process that has other things to do.
        command = [sys.executable, "-m", "pipeline.media.lecture", str(partial)]
        try:
            made = subprocess.run(command, timeout=LECTURE_WITHIN_S, capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired as exc:
            raise Unavailable("lecture_not_made", f"not within {LECTURE_WITHIN_S:.0f} s") from exc
    if made.returncode != 0:
        raise Unavailable("lecture_not_made", f"exit code {made.returncode}: {made.stderr[-1000:]}")
    partial.replace(target)
    return target


def _through_everything(api: Api, source: Path) -> Video:
    """Upload, complete, follow to the end; the row as it is then. Raises `Conflict` where the file is refused."""
    reply = api.init_upload(NewVideo(path=source, title=source.stem[:300], session="demo"))
    api.complete_upload(reply["id"], send_source(api, reply, source))
    follow(api, reply["id"], timeout_s=WORK_WITHIN_S)
    return api.video(reply["id"])


def _show(api: Api, row: Video, data: Path) -> None:
    RESULTS.print(tables.renditions(row["renditions"] or []), "")
    (job,) = api.jobs(asset_id=row["id"], limit=1).rows
    attempts = api.job(job["id"]).get("attempts") or []
    if attempts:
        RESULTS.print(tables.steps(attempts[-1]["steps"]), "")
    RESULTS.print(
        tables.fields(
            {
                "Video": row["id"],
                "Length": figures.duration(row["duration"]) if row["duration"] is not None else None,
                "Data folder": str(data),
            }
        )
    )
    # By themselves and unbroken, so that they can be clicked and copied.
    RESULTS.print("Stream", row["hls_url"], soft_wrap=True, markup=False)
    RESULTS.print("Watch it at", player_url(api, row["id"]), soft_wrap=True, markup=False)
