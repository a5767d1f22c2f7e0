"""`academy jobs`: look at the work itself, repeat it, stop it, read what it said."""

import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from cli import choosing, figures, resubmitting, stuck, tables
from cli.api import Api
from cli.exits import Exit
from cli.options import AsJson, Limit, Tenant, open_api
from cli.output import RESULTS, ask, print_json, say
from cli.periods import moment
from cli.rows import Job, Log
from pipeline.contracts.envelope import JobKind
from pipeline.errors import Conflict, Invalid, NotFound, Unavailable
from pipeline.execution.token_bucket import TokenBucket
from pipeline.lifecycle.job_state import FINAL, JobState
from pipeline.reasons import Reason

FOLLOW_EVERY_S: Final = 1.0
MOST_LINES: Final = 5000

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Inspect, repeat and cancel the jobs that work on videos.",
)

Since = Annotated[
    str | None, typer.Option("--since", metavar="1d", help="Only those that ended since: 90m, 12h, 1d, 2w, or a time.")
]
JobArgument = Annotated[str, typer.Argument(metavar="ID", help="A job's ID, or its first characters.")]


@app.command("list", epilog="Example: academy jobs list --state failed")
def list_(
    *,
    state: Annotated[JobState | None, typer.Option(help="Only those in this state.", case_sensitive=False)] = None,
    kind: Annotated[JobKind | None, typer.Option(help="Only those of this kind.")] = None,
    reason: Annotated[Reason | None, typer.Option(metavar="CODE", help="Only those that failed so.")] = None,
    since: Since = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """List jobs, newest first."""
    ended_since = moment(since, now=datetime.now(UTC)).isoformat() if since is not None else None
    with open_api(tenant) as api:
        rows = api.jobs(limit=limit, state=state, kind=kind, reason=reason, ended_since=ended_since)
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


@app.command("stuck", epilog="Example: academy jobs stuck")
def stuck_(*, limit: Limit = 200, as_json: AsJson = False, tenant: Tenant = None) -> None:
    """Say why jobs have not begun: queue closed, no capacity, asking for too much, or simply their turn."""
    with open_api(tenant) as api:
        rows = api.waiting_jobs(limit=limit)
    if as_json:
        print_json(rows)
    elif rows:
        stuck.show(rows)
    else:
        say("No job waits.")


@app.command(epilog="Example: academy jobs resubmit --failed --since 1d --reason WORKER_KILLED")
def resubmit(
    job: Annotated[str | None, typer.Argument(metavar="[ID]", help="A job's ID, or its first characters.")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Do not ask before replacing a video that plays.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Instead of one job, many that failed.")] = False,
    since: Annotated[str, typer.Option(metavar="1d", help="That failed since: 90m, 12h, 1d, 2w, or a time.")] = "1d",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="And before.", show_default="now")] = None,
    reason: Annotated[
        list[Reason] | None,
        typer.Option(metavar="CODE", help="With this reason; may be given again.", show_default="all but CANCELLED"),
    ] = None,
    kind: Annotated[JobKind | None, typer.Option(help="Of this kind.")] = None,
    per_minute: Annotated[int, typer.Option(min=1, max=3000, help="How many to resubmit in a minute.")] = 60,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before resubmitting many.")] = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Do a job's work again, as a new job. A video that plays keeps playing until the new stream replaces it.

    Exits 4 while another job works on the same video: there is never a second one. With --failed, what would be
    resubmitted is shown first, one that plays is never replaced, and the same command goes on where it was broken off.
    """
    if failed == (job is not None):
        raise Invalid("job_or_failed", "give one job's ID, or --failed for many")
    with open_api(tenant) as api:
        if job is None:
            now = datetime.now(UTC)
            choice = resubmitting.Choice(
                since=moment(since, now=now),
                until=moment(until, now=now) if until is not None else now,
                reasons=tuple(reason or ()),
                kind=kind,
            )
            _resubmit_failed(api, choice, per_minute=per_minute, yes=yes, as_json=as_json, tenant=tenant)
            return
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


def _resubmit_failed(
    api: Api, choice: resubmitting.Choice, *, per_minute: int, yes: bool, as_json: bool, tenant: str | None
) -> None:
    found = resubmitting.find_failed(api, choice)
    jobs, done = found.jobs, resubmitting.Done()
    resubmitting.preview(found)
    if jobs:
        if not yes:
            resubmitting.confirm(len(jobs), per_minute=per_minute)
        try:
            resubmitting.resubmit_all(api, jobs, TokenBucket(per_minute / 60, size=1), done=done)
        except (KeyboardInterrupt, Unavailable):
            command = ["academy", "jobs", "resubmit", *choice.arguments(), "--per-minute", str(per_minute)]
            command += ["--tenant", tenant] if tenant is not None else []
            resubmitting.tell_broken_off(done, of=len(jobs), command=command)
            raise
    elif not as_json:
        say("No such jobs.")
        return
    resubmitting.tell(done, as_json=as_json)
    if done.refused:
        raise typer.Exit(Exit.REFUSED)


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
