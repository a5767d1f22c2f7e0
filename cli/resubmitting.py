"""Resubmit many failed jobs: chosen by when and why they failed, shown first, and given back at a steady rate.

Nothing is kept between runs. A job that was resubmitted is not its video's newest any more, so the same command finds
the rest; `--until`, which is said where a run is broken off, keeps out what failed again meanwhile.
"""

import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from rich.text import Text

from cli import tables
from cli.api import Api
from cli.output import REMARKS, RESULTS, ask, print_json, say
from cli.rows import FailedJob, Job
from pipeline.errors import Conflict, NotFound, Unavailable
from pipeline.execution.token_bucket import TokenBucket
from pipeline.reasons import Reason
from pipeline.retrying import Patience, retrying

PREVIEWED: Final = 10
PAGE: Final = 200
# An API that is being replaced is back within a minute.
PATIENCE: Final = Patience(attempts=12, total_s=60.0, first_pause_s=0.5)


@dataclass(frozen=True)
class Choice:
    """Failed jobs that ended in [since, until), of these reasons; of every reason but CANCELLED where none is named."""

    since: datetime
    until: datetime
    reasons: tuple[Reason, ...] = ()
    kind: str | None = None

    def arguments(self) -> list[str]:
        """The options that choose the same again."""
        words = ["--failed", "--since", self.since.isoformat(), "--until", self.until.isoformat()]
        for reason in self.reasons:
            words += ["--reason", reason.value]
        return [*words, "--kind", self.kind] if self.kind else words


@dataclass(frozen=True)
class Refusal:
    job_id: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Found:
    """What would be resubmitted, and what would be refused or is not meant, with why."""

    jobs: Sequence[FailedJob]
    left_out: Sequence[Refusal] = ()


@dataclass
class Done:
    """`resubmitted` by the failed job's ID, with the new one's; None where the answer with it was lost."""

    resubmitted: dict[str, str | None] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.resubmitted) + len(self.refused)

    def as_json(self) -> dict[str, Any]:
        return {
            "resubmitted": [{"id": old, "new_id": new} for old, new in self.resubmitted.items()],
            "refused": [{"id": r.job_id, "reason": r.reason, "detail": r.detail} for r in self.refused],
        }


def find_failed(api: Api, choice: Choice) -> Found:
    """The chosen jobs, those that failed first first; of each video, or shard of a batch, only its newest job."""
    found = [job for reason in choice.reasons or (None,) for job in _pages(api, choice, reason)]
    found.sort(key=lambda job: (job["ended_at"] or "", job["id"]))
    left_out = {job["id"]: refusal for job in found if (refusal := _refusal(job, choice)) is not None}
    return Found([job for job in found if job["id"] not in left_out], list(left_out.values()))


def _refusal(job: FailedJob, choice: Choice) -> Refusal | None:
    said = job["refusal"]
    if said is not None:
        return Refusal(job["id"], said["reason"], said["detail"])
    if job["reason"] == Reason.CANCELLED and not choice.reasons:
        return Refusal(job["id"], Reason.CANCELLED, "a person ended it on purpose; --reason CANCELLED takes it")
    return None


def _pages(api: Api, choice: Choice, reason: Reason | None) -> Iterator[FailedJob]:
    cursor = None
    while True:
        page = api.get(
            "/jobs/failed",
            {
                "ended_since": choice.since.isoformat(),
                "ended_until": choice.until.isoformat(),
                "reason": reason,
                "kind": choice.kind,
                "limit": PAGE,
                "cursor": cursor,
            },
        )
        yield from page["items"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return


def preview(found: Found) -> None:
    """On stderr: how many would be resubmitted by reason and the first of them, and how many are left out why."""
    jobs = found.jobs
    if jobs:
        REMARKS.print(tables.reasons(Counter(str(job["reason"]) for job in jobs)))
        REMARKS.print()
        REMARKS.print(tables.jobs(jobs[:PREVIEWED]))
    if len(jobs) > PREVIEWED:
        say(f"… and {len(jobs) - PREVIEWED} more.")
    for reason, refusals in groupby(sorted(found.left_out, key=lambda refusal: refusal.reason), lambda r: r.reason):
        each = list(refusals)
        say(f"Left out: {_jobs(len(each))}, {reason}. The first is {each[0].job_id}: {each[0].detail}")


def confirm(count: int, *, per_minute: int) -> None:
    """Raises `Conflict` unless a person says yes."""
    question = f"Resubmit {_jobs(count)}, {per_minute} a minute?"
    if not sys.stdin.isatty():
        raise Conflict("not_confirmed", f"{question} Give --yes: there is nobody to ask")
    if not ask(question):
        raise Conflict("not_confirmed", "nothing was changed")


def resubmit_all(api: Api, jobs: Sequence[Job], bucket: TokenBucket, *, done: Done) -> None:
    """Resubmit one after the other, each told on stderr; `done` grows, so that it holds when this is broken off."""
    for job in jobs:
        bucket.take()
        place = f"{len(done) + 1}/{len(jobs)}  {job['id'][: tables.SHORT_ID]}  {job['reason']}"
        try:
            new = _resubmit(api, job)
        except (Conflict, NotFound) as refusal:
            done.refused.append(Refusal(job["id"], refusal.reason, refusal.detail))
            say(f"{place}  refused: {refusal.reason}")
        else:
            done.resubmitted[job["id"]] = new
            say(f"{place}  again as {new[: tables.SHORT_ID] if new else 'a job whose ID was lost on the way'}")


def _resubmit(api: Api, job: Job) -> str | None:
    """The new job's ID. Where an answer was lost, the live job that the next try meets is the one that it told of."""
    was_lost = False
    for attempt in retrying(PATIENCE, on=Unavailable):
        with attempt:
            try:
                return api.resubmit_job(job["id"], force=False)["id"]
            except Unavailable:
                was_lost = True
                raise
            except Conflict as refusal:
                if was_lost and refusal.reason == "job_is_live":
                    return None
                raise
    raise AssertionError("retrying returns or raises")


def tell(done: Done, *, as_json: bool) -> None:
    if as_json:
        print_json(done.as_json())
        return
    say(f"Resubmitted {_jobs(len(done.resubmitted))}; {len(done.refused)} refused.")
    if done.refused:
        RESULTS.print(tables.refusals((r.job_id, r.reason, r.detail) for r in done.refused))


def tell_broken_off(done: Done, *, of: int, command: Sequence[str]) -> None:
    say(f"\nBroken off: {len(done.resubmitted)} of {of} resubmitted, {len(done.refused)} refused. The rest:")
    REMARKS.print(Text(f"  {shlex.join(command)}"), soft_wrap=True)


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"
