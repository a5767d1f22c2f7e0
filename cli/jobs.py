"""`academy jobs`: look at the work itself, repeat it, stop it, read what it said."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from cli import choosing, figures, job_log, resubmitting, stuck, tables
from cli.api import Api
from cli.exits import Exit
from cli.options import AsJson, Limit, Tenant, open_api
from cli.output import RESULTS, ask, print_json, say
from cli.periods import moment
from cli.rows import Job
from pipeline.contracts.envelope import JobKind
from pipeline.errors import Conflict, Invalid, Unavailable
from pipeline.execution.token_bucket import TokenBucket
from pipeline.lifecycle.job_state import JobState
from pipeline.reasons import Reason

# How a resubmit is refused that would replace a result.
REPLACES: Final = frozenset({"video_is_ready", "batch_is_ready"})

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Inspect, repeat and cancel the jobs that work on videos and answer sheets.",
)

Since = Annotated[
    str | None, typer.Option("--since", metavar="1d", help="Only those that ended since: 90m, 12h, 1d, 2w, or a time.")
]
LongestFirst = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many, those that wait longest.")]
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
        page = api.jobs(limit=limit, state=state, kind=kind, reason=reason, ended_since=ended_since)
    if as_json:
        print_json(page.rows)
    elif page.rows:
        RESULTS.print(tables.jobs(page.rows))
    else:
        say(f"No such jobs{_of_tenant(api)}.")
    if not page.are_all:
        say(f"These are the newest {limit}. --limit gives up to 200; --since, --state, --kind and --reason choose.")


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
def stuck_(*, limit: LongestFirst = 200, as_json: AsJson = False, tenant: Tenant = None) -> None:
    """Say why jobs have not begun: queue closed, no capacity, asking for too much, or simply their turn."""
    with open_api(tenant) as api:
        page = api.waiting_jobs(limit=limit)
    if as_json:
        print_json(page.rows)
    elif page.rows:
        stuck.show(page.rows)
    else:
        say(f"No job{_of_tenant(api)} waits.")
    if not page.are_all:
        say(f"These are the {limit} that wait longest; more jobs wait behind them.")


@app.command(epilog="Example: academy jobs resubmit --failed --since 1d --reason WORKER_KILLED")
def resubmit(
    job: Annotated[str | None, typer.Argument(metavar="[ID]", help="A job's ID, or its first characters.")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Do not ask before replacing a result.")] = False,
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
    """Do a job's work again, as a new job. What there is, such as a video that plays, stays until it is replaced.

    Exits 4 while another job does the same work: there is never a second one. With --failed, what would be
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
        new = _resubmit_one(api, choosing.job_id(api, job), force=force)
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
    tail: Annotated[int, typer.Option(min=1, max=job_log.MOST_LINES, help="How many of the last lines.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Print what an attempt of a job wrote."""
    if follow and as_json:
        raise Invalid("follow_is_text", "--follow prints lines as they come: leave out --json")
    with open_api(tenant) as api:
        chosen = choosing.job_id(api, job)
        if follow:
            job_log.follow(api, chosen, attempt=attempt, part=part, tail=tail)
            return
        log = api.job_log(chosen, attempt=attempt, part=part, tail=tail)
    if as_json:
        print_json(log)
    else:
        job_log.write(log["lines"])


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
        say(f"No such jobs{_of_tenant(api)}.")
        return
    resubmitting.tell(done, as_json=as_json)
    if done.refused:
        raise typer.Exit(Exit.REFUSED)


def _resubmit_one(api: Api, job_id: str, *, force: bool) -> Job:
    """A result that stands is replaced where `force` says so, or a person who is asked; else `Conflict` is raised."""
    try:
        return api.resubmit_job(job_id, force=force)
    except Conflict as refusal:
        if refusal.reason not in REPLACES:
            raise
        stands = _what_stands(api, api.job(job_id))
        if not sys.stdin.isatty():
            raise Conflict(refusal.reason, f"{stands}; give --force to replace that") from refusal
        if not ask(f"{stands}. Do it again and replace that?"):
            raise Conflict("not_confirmed", "nothing was changed") from refusal
    return api.resubmit_job(job_id, force=True)


def _what_stands(api: Api, row: Job) -> str:
    match JobKind(row["kind"]):
        case JobKind.TRANSCODE:
            return f"{api.video(row['asset_id'])['title']!r} plays already"
        case JobKind.OMR:
            return f"The sheets of batch {row['asset_id'][: tables.SHORT_ID]} are read already"


def _show(row: Job) -> None:
    RESULTS.print(
        tables.fields(
            {
                "ID": row["id"],
                "Kind": row["kind"],
                "Batch" if row["kind"] == JobKind.OMR else "Video": row["asset_id"],
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
    if row.get("parts"):
        made = {attempt["part"] for attempt in row["parts"] if attempt["ending"] == "succeeded"}
        _section(f"Parts: {len(made)} made")
        others = [attempt for attempt in row["parts"] if attempt["ending"] != "succeeded"]
        if others:
            RESULTS.print(tables.parts(others))
    outcome = row.get("outcome")
    if outcome and outcome.get("renditions"):
        _section("Renditions")
        RESULTS.print(tables.renditions(outcome["renditions"]))
    for title, value in (("Executor's report", row.get("executor")), ("Spec", row.get("spec")), ("Outcome", outcome)):
        if value is not None:
            _section(title)
            RESULTS.print_json(data=value)


def _of_tenant(api: Api) -> str:
    """Said where there is nothing: an alarm is of all tenants, and a command of one."""
    tenant = api.connection.tenant
    return f" of tenant {tenant}" if tenant is not None else ""


def _section(title: str) -> None:
    RESULTS.print(f"\n[bold]{title}[/bold]")
