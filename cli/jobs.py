"""`academy jobs`: look at the work itself, repeat it, stop it, read what it said."""

import sys
import time
from typing import Annotated, Final

import typer

from cli import choosing, figures, tables
from cli.api import Api
from cli.options import AsJson, Limit, Tenant, open_api
from cli.output import RESULTS, ask, print_json, say
from cli.rows import Job, Log
from pipeline.contracts.envelope import JobKind
from pipeline.errors import Conflict, NotFound
from pipeline.lifecycle.job_state import FINAL, JobState

FOLLOW_EVERY_S: Final = 1.0
MOST_LINES: Final = 5000

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Inspect, repeat and cancel the jobs that work on videos.",
)

JobArgument = Annotated[str, typer.Argument(metavar="ID", help="A job's ID, or its first characters.")]


@app.command("list", epilog="Example: academy jobs list --state failed")
def list_(
    *,
    state: Annotated[JobState | None, typer.Option(help="Only those in this state.", case_sensitive=False)] = None,
    kind: Annotated[JobKind | None, typer.Option(help="Only those of this kind.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """List jobs, newest first."""
    with open_api(tenant) as api:
        rows = api.jobs(limit=limit, state=state, kind=kind)
    if as_json:
        print_json(rows)
    elif rows:
        RESULTS.print(tables.jobs(rows))
    else:
        say("No such jobs.")


@app.command(epilog="Example: academy jobs inspect 5d1e77c0 --json")
def inspect(job: JobArgument, *, as_json: AsJson = False, tenant: Tenant = None) -> None:
    """Show all that is known about one job: row, attempts, step times, spec, outcome, and the executor's report."""
    with open_api(tenant) as api:
        row = api.job(choosing.job_id(api, job))
    if as_json:
        print_json(row)
    else:
        _show(row)


@app.command(epilog="Example: academy jobs resubmit 5d1e77c0 --force")
def resubmit(
    job: JobArgument,
    *,
    force: Annotated[bool, typer.Option("--force", help="Do not ask before replacing a video that plays.")] = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Do a job's work again, as a new job. A video that plays keeps playing until the new stream replaces it.

    Exits 4 while another job works on the same video: there is never a second one.
    """
    with open_api(tenant) as api:
        row = api.job(choosing.job_id(api, job))
        new = api.resubmit_job(row["id"], force=force or _may_replace(api, row))
    if as_json:
        print_json(new)
    else:
        say(
            f"Submitted as job {new['id']}. Follow it with `academy jobs logs {new['id'][: tables.SHORT_ID]} --follow`."
        )


@app.command(epilog="Example: academy jobs cancel 5d1e77c0")
def cancel(job: JobArgument, *, as_json: AsJson = False, tenant: Tenant = None) -> None:
    """Stop a job for good. Exits 4 when it has ended already."""
    with open_api(tenant) as api:
        row = api.cancel_job(choosing.job_id(api, job))
    if as_json:
        print_json(row)
    else:
        say(f"Cancelled job {row['id']}.")


@app.command(epilog="Example: academy jobs logs 5d1e77c0 --attempt 2 --follow")
def logs(
    job: JobArgument,
    *,
    attempt: Annotated[int | None, typer.Option(min=1, help="Which attempt.", show_default="the newest")] = None,
    part: Annotated[int | None, typer.Option(min=0, help="Which part of a long video, counted from 0.")] = None,
    tail: Annotated[int, typer.Option(min=1, max=MOST_LINES, help="How many of the last lines.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Print what an attempt of a job wrote."""
    with open_api(tenant) as api:
        chosen = choosing.job_id(api, job)
        if follow:
            _follow_log(api, chosen, attempt=attempt, part=part, tail=tail)
            return
        log = api.job_log(chosen, attempt=attempt, part=part, tail=tail)
    if as_json:
        print_json(log)
    else:
        _write_lines(log["lines"])


def _may_replace(api: Api, row: Job) -> bool:
    """Whether a stream that plays may be replaced: asked of a person, refused where there is none to ask."""
    video = api.video(row["asset_id"])
    if video["status"] != "READY":
        return False
    if not sys.stdin.isatty():
        raise Conflict("video_is_ready", f"{video['title']!r} plays already; give --force to replace its stream")
    if not ask(f"{video['title']!r} plays already. Make its stream again and replace it?"):
        raise Conflict("not_confirmed", "nothing was changed")
    return True


def _follow_log(api: Api, job_id: str, *, attempt: int | None, part: int | None, tail: int) -> None:
    """Print new lines until the job has ended. Where no attempt was named, the next one is followed when it begins."""
    shown: Log | None = None
    while True:
        # Asked for before the log, so that the last lines of a job that ends in between are not missed.
        ended = JobState(api.job(job_id)["state"]) in FINAL
        log = _log_if_any(api, job_id, attempt=attempt, part=part, must_be=ended)
        if log is not None:
            if shown is None:
                _write_lines(log["lines"][-tail:])
            elif shown["attempt"] == log["attempt"]:
                _write_lines(_new_lines(shown["lines"], log["lines"]))
            else:
                _write_lines(log["lines"])
            shown = log
        if ended:
            return
        time.sleep(FOLLOW_EVERY_S)


def _log_if_any(api: Api, job_id: str, *, attempt: int | None, part: int | None, must_be: bool) -> Log | None:
    """None for an attempt that has not begun; `must_be` raises `NotFound` for it instead."""
    try:
        return api.job_log(job_id, attempt=attempt, part=part, tail=MOST_LINES)
    except NotFound:
        if must_be:
            raise
        return None


def _new_lines(before: list[str], after: list[str]) -> list[str]:
    """What `after` has beyond `before`; both are the newest lines of one growing log."""
    if after[: len(before)] == before:
        return after[len(before) :]
    for start in range(1, len(before)):
        kept = before[start:]
        if after[: len(kept)] == kept:
            return after[len(kept) :]
    return after


def _write_lines(lines: list[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _show(row: Job) -> None:
    RESULTS.print(
        tables.fields(
            {
                "ID": row["id"],
                "Kind": row["kind"],
                "Video": row["asset_id"],
                "State": tables.state(row["state"]),
                "Attempt": row["attempt"],
                "Reason": tables.reason(row.get("reason"), row.get("detail") or ""),
                "Handle": row.get("handle"),
                "Created": figures.local_time(row["created_at"]),
                "Started": figures.local_time(row.get("started_at")),
                "Ended": figures.local_time(row.get("ended_at")),
                "Took": tables.took(row.get("started_at"), row.get("ended_at")),
            }
        )
    )
    if row.get("attempts"):
        _section("Attempts")
        RESULTS.print(tables.attempts(row["attempts"]))
        timed = [attempt for attempt in row["attempts"] if attempt["steps"]]
        if timed:
            _section(f"Steps of attempt {timed[-1]['attempt']}")
            RESULTS.print(tables.steps(timed[-1]["steps"]))
    outcome = row.get("outcome")
    if outcome and outcome.get("renditions"):
        _section("Renditions")
        RESULTS.print(tables.renditions(outcome["renditions"]))
    for title, value in (("Executor's report", row.get("executor")), ("Spec", row.get("spec")), ("Outcome", outcome)):
        if value is not None:
            _section(title)
            RESULTS.print_json(data=value)


def _section(title: str) -> None:
    RESULTS.print(f"\n[bold]{title}[/bold]")
