"""`academy videos`: upload a lecture, see what there is, follow the work."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli import choosing, figures, tables
from cli.api import Api, NewVideo
from cli.exits import Exit
from cli.following import follow
from cli.options import A_DAY_S, AsJson, GiveUpAfter, Limit, Tenant, Wait, open_api
from cli.output import REMARKS, RESULTS, is_terminal, print_json, say
from cli.rows import InitReply, Video
from cli.text_files import filled_file, write_text
from pipeline.errors import NotFound
from pipeline.lifecycle.job_state import JobState
from pipeline.lifecycle.video_state import VideoStatus

TITLE_LONGEST: Final = 300

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Upload lectures, list them, follow the work on them.",
)

VideoArgument = Annotated[str, typer.Argument(metavar="ID", help="A video's ID, or its first characters.")]


@app.command(epilog="Example: academy videos upload lecture.mp4 --title 'Algebra 3' --session algebra --loudness -16")
def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The lecture: mp4, mov, mkv, webm, avi, ts …")],
    *,
    title: Annotated[str | None, typer.Option(help="What viewers see.", show_default="the file's name")] = None,
    session: Annotated[str | None, typer.Option(help="The lesson that it belongs to.")] = None,
    allow_skip: Annotated[bool, typer.Option("--skip/--no-skip", help="Whether viewers may skip ahead.")] = True,
    max_speed: Annotated[float, typer.Option(min=0.25, max=4, help="The fastest playback.")] = 2.0,
    show_watermark: Annotated[bool, typer.Option("--watermark", help="Show who watches on the picture.")] = False,
    loudness: Annotated[
        float | None,
        typer.Option(
            min=-31,
            max=-10,
            metavar="LUFS",
            help="Bring the sound to this loudness (EBU R128), -16 for phones and laptops.",
            show_default="the tenant's, else as recorded",
        ),
    ] = None,
    wait: Wait = True,
    timeout: GiveUpAfter = A_DAY_S,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Upload a lecture as a browser does, and follow the work until it plays.

    Exits 4 with the reason when the file is refused, and 1 when the work fails.
    """
    new = NewVideo(
        path=filled_file(file),
        title=(title or file.stem)[:TITLE_LONGEST],
        session=session,
        allow_skip=allow_skip,
        max_speed=max_speed,
        show_watermark=show_watermark,
        loudness_lufs=loudness,
    )
    with open_api(tenant) as api:
        reply = api.init_upload(new)
        parts = send_source(api, reply, file)
        row = api.complete_upload(reply["id"], parts)
        _watch_or_show(api, row, wait=wait, timeout_s=timeout, as_json=as_json)


@app.command("list", epilog="Example: academy videos list --status FAILED --title algebra")
def list_(
    *,
    status: Annotated[VideoStatus | None, typer.Option(help="Only those in this status.", case_sensitive=False)] = None,
    session: Annotated[str | None, typer.Option(help="Only those of this lesson.")] = None,
    title: Annotated[str | None, typer.Option(help="Only those with this in their title.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """List videos, newest first."""
    with open_api(tenant) as api:
        page = api.videos(limit=limit, status=status, session=session, title=title)
    if as_json:
        print_json(page.rows)
    elif page.rows:
        RESULTS.print(tables.videos(page.rows))
    else:
        say("No such videos. Upload one with `academy videos upload FILE`.")
    if not page.are_all:
        say(f"These are the newest {limit}. --limit gives up to 200; --status, --session and --title choose.")


@app.command(epilog="Example: academy videos show 3f9c2a1b")
def show(video: VideoArgument, *, as_json: AsJson = False, tenant: Tenant = None) -> None:
    """Show one video: its row, its renditions, and where it plays."""
    with open_api(tenant) as api:
        _show(api, api.video(choosing.video_id(api, video)), as_json=as_json)


@app.command(epilog="Example: academy videos inspect 3f9c2a1b")
def inspect(video: VideoArgument, *, as_json: AsJson = False, tenant: Tenant = None) -> None:
    """Show how a video's ladder was planned: what was measured, and each rung with its reason."""
    with open_api(tenant) as api:
        outcome = _outcome(api, choosing.video_id(api, video))
    plan = outcome.get("plan")
    if as_json:
        print_json(plan)
    elif plan is None:
        say("This stream was made before plans were recorded. `academy jobs resubmit` makes it anew.")
    else:
        for reason in plan["reasons"]:
            RESULTS.print(reason, markup=False)
        RESULTS.print("", tables.planned_rungs(plan["rungs"]))


@app.command(epilog="Example: academy videos report 3f9c2a1b --output report.html")
def report(
    video: VideoArgument,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page to write.", show_default="report-ID.html")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Write a page with a video's plan, the rate of each rung over time, and its quality."""
    from cli.report import write_report  # noqa: PLC0415 - only this command needs it

    with open_api(tenant) as api:
        video_id = choosing.video_id(api, video)
        outcome = _outcome(api, video_id)
        page = write_report(api.video(video_id), outcome)
    target = output or Path(f"report-{video_id[: tables.SHORT_ID]}.html")
    write_text(target, page)
    RESULTS.print(target, markup=False, soft_wrap=True)


@app.command(epilog="Example: academy videos watch 3f9c2a1b")
def watch(
    video: VideoArgument,
    *,
    timeout: GiveUpAfter = A_DAY_S,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Follow a video until it plays; exits 1 with the reason when it fails."""
    with open_api(tenant) as api:
        row = api.video(choosing.video_id(api, video))
        _watch_or_show(api, row, wait=True, timeout_s=timeout, as_json=as_json)


@app.command(epilog="Example: academy videos retry 3f9c2a1b")
def retry(
    video: VideoArgument,
    *,
    wait: Wait = True,
    timeout: GiveUpAfter = A_DAY_S,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Work again on a video that FAILED; its upload need not be repeated."""
    with open_api(tenant) as api:
        row = api.retry_video(choosing.video_id(api, video))
        _watch_or_show(api, row, wait=wait, timeout_s=timeout, as_json=as_json)


def _outcome(api: Api, video_id: str) -> dict[str, Any]:
    """What the newest job that ended well told of the video; raises `NotFound` where none has."""
    done = api.jobs(limit=1, asset_id=video_id, state=JobState.SUCCEEDED).rows
    outcome = api.job(done[0]["id"]).get("outcome") if done else None
    if outcome is None:
        raise NotFound("no_stream", f"no job has made a stream of video {video_id} yet")
    return outcome


def send_source(api: Api, reply: InitReply, file: Path) -> list[dict[str, object]]:
    total = file.stat().st_size
    if not is_terminal():
        say(f"Uploading {file.name}, {figures.size(total)}")
        return api.put_source(reply, file, lambda _: None)
    columns = (TextColumn("[bold]Uploading"), BarColumn(bar_width=None), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=REMARKS, transient=True, expand=True) as progress:
        task = progress.add_task("", total=total)
        return api.put_source(reply, file, lambda count: progress.advance(task, count))


def _watch_or_show(api: Api, row: Video, *, wait: bool, timeout_s: float, as_json: bool) -> None:
    """Show the row, with `wait` as it is when the work has ended; FAILED is exit code 1."""
    if wait:
        try:
            follow(api, row["id"], timeout_s=timeout_s)
        except KeyboardInterrupt:
            say(f"The work goes on. Follow it again with `academy videos watch {row['id'][: tables.SHORT_ID]}`.")
            raise typer.Exit(Exit.INTERRUPTED) from None
        row = api.video(row["id"])
    _show(api, row, as_json=as_json)
    if wait and row["status"] != VideoStatus.READY:
        say(f"{row['status']}: {tables.reason(row['error_reason'])}")
        raise typer.Exit(Exit.FAILED)


def _show(api: Api, row: Video, *, as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    RESULTS.print(
        tables.fields(
            {
                "ID": row["id"],
                "Title": row["title"],
                "Session": row.get("session"),
                "Status": tables.state(row["status"]),
                "Reason": tables.reason(row.get("error_reason")),
                "Length": figures.duration(row.get("duration")),
                "Created": figures.local_time(row["created_at"]),
            }
        )
    )
    if row["status"] == VideoStatus.READY:
        # Lines by themselves and unbroken, so that they can be clicked and copied.
        RESULTS.print("Stream  ", row.get("hls_url"), soft_wrap=True, markup=False)
        RESULTS.print("Player  ", player_url(api, row["id"]), soft_wrap=True, markup=False)
    if row.get("renditions"):
        RESULTS.print("", tables.renditions(row["renditions"] or []))


def player_url(api: Api, video_id: str) -> str:
    """The page that plays the video, with a token that may only read.

    The token stands in the fragment, which browsers send to no server. One that the settings name is not shown.
    """
    return f"{api.connection.api_url}/watch/{video_id}#token={api.connection.viewer_token or '$API_TOKEN'}"
