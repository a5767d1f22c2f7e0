"""AWS Batch as `boto3` shows it: queues, retries and states in its own words, on virtual time.

It lags: a new job is neither listed nor described at once. It loses answers. It takes machines away, and gives up on
jobs that wait too long for one. It forgets jobs that ended a day ago.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError

from pipeline.contracts.envelope import JobKind
from pipeline.execution.catalog import CATALOG
from tests.simulation.faults import Faults
from tests.simulation.mail import Mail
from tests.simulation.schedule import Schedule

PREFIX = "academy"
LONGEST_LAG_S = 12.0
REMEMBERS_S = 86_400.0
ENDED = ("SUCCEEDED", "FAILED")
RECLAIMED = "Host EC2 (instance i-0) terminated."
TIMED_OUT = "Job attempt duration exceeded timeout"


@dataclass
class BatchJob:
    """What Batch knows, and from when on it says so."""

    id: str
    name: str
    kind: JobKind
    queue: str
    created_ms: int
    listed_at_s: float
    described_at_s: float
    status: str = "SUBMITTED"
    reason: str | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    started_ms: int = 0
    ended_at_s: float | None = None

    @property
    def attempt(self) -> int:
        """The one that runs or is next."""
        return len(self.attempts) + 1

    def detail(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "jobId": self.id,
            "jobName": self.name,
            "jobQueue": self.queue,
            "status": self.status,
            "createdAt": self.created_ms,
            "attempts": list(self.attempts),
            "container": {},
        }
        return said | ({"statusReason": self.reason} if self.reason is not None else {})


class SimulatedBatch:
    """Stands where a `boto3` Batch client does. `run` begins an attempt; `meanwhile` is as in `MemoryStore`."""

    def __init__(self, schedule: Schedule, faults: Faults, mail: Mail, *, meanwhile: Callable[[], None]) -> None:
        self._schedule = schedule
        self._faults = faults
        self._mail = mail
        self._meanwhile = meanwhile
        self.unanswered: Counter[str] = Counter()
        """Submits, by name, of which nobody learnt whether they happened."""
        self.on_submit: Callable[[str], None] = lambda _name: None
        self.run: Callable[[BatchJob], None] = lambda _job: None
        self.jobs: dict[str, BatchJob] = {}
        self.needless_submits: list[str] = []
        """Names of jobs that were submitted although ListJobs showed them already."""

    def submit_job(self, **request: Any) -> dict[str, str]:
        self._meanwhile()
        name = request["jobName"]
        try:
            reply = self._faults.call("submit", lambda: self._take(request), error=lambda: _away("SubmitJob"))
        except BaseException:
            self.unanswered[name] += 1
            raise
        self.on_submit(name)
        return reply

    def _take(self, request: dict[str, Any]) -> dict[str, str]:
        name, now_s = request["jobName"], self._schedule.now_s
        if any(job.name == name and self._is_listed(job) for job in self.jobs.values()):
            self.needless_submits.append(name)
        random = self._faults.random
        longest_lag_s = LONGEST_LAG_S if self._faults.are_on else 0.0
        job = BatchJob(
            id=str(UUID(int=random.getrandbits(128), version=4)),
            name=name,
            kind=JobKind(request["jobDefinition"].removeprefix(f"{PREFIX}-")),
            queue=request["jobQueue"],
            created_ms=self._schedule.milliseconds,
            listed_at_s=now_s + random.uniform(0.0, longest_lag_s),
            described_at_s=now_s + random.uniform(0.0, longest_lag_s),
        )
        self.jobs[job.id] = job
        self._schedule.after(random.uniform(0.1, 2.0), lambda: self._wait(job))
        return {"jobId": job.id}

    def get_paginator(self, _name: str) -> "SimulatedBatch":
        return self

    def paginate(self, *, jobQueue: str, filters: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:  # noqa: N803
        ((name,),) = (each["values"] for each in filters)

        def listed() -> dict[str, Any]:
            return {
                "jobSummaryList": [
                    {"jobId": job.id, "jobName": job.name, "createdAt": job.created_ms}
                    for job in self.jobs.values()
                    if job.queue == jobQueue and job.name == name and self._is_listed(job)
                ]
            }

        yield self._faults.call("list", listed, error=lambda: _away("ListJobs"), share=0.5)

    def describe_jobs(self, *, jobs: list[str]) -> dict[str, Any]:
        self._meanwhile()

        def described() -> dict[str, Any]:
            known = [self.jobs[each] for each in jobs if each in self.jobs]
            now_s = self._schedule.now_s
            return {
                "jobs": [job.detail() for job in known if job.described_at_s <= now_s and not self._is_forgotten(job)]
            }

        return self._faults.call("describe", described, error=lambda: _away("DescribeJobs"))

    def terminate_job(self, *, jobId: str, reason: str) -> dict[str, Any]:  # noqa: N803
        def terminate() -> dict[str, Any]:
            job = self.jobs[jobId]
            if job.status == "RUNNING":
                self._note_end(job, 137, reason)
            self._end(job, "FAILED", reason)
            return {}

        return self._faults.call("terminate", terminate, error=lambda: _away("TerminateJob"))

    def close(self) -> None:
        return

    def _is_listed(self, job: BatchJob) -> bool:
        return job.listed_at_s <= self._schedule.now_s and not self._is_forgotten(job)

    def _is_forgotten(self, job: BatchJob) -> bool:
        return job.ended_at_s is not None and job.ended_at_s + REMEMBERS_S < self._schedule.now_s

    def _move(self, job: BatchJob, status: str, *, reason: str | None = None) -> None:
        job.status, job.reason = status, reason
        self._mail.publish(job.detail())

    def _wait(self, job: BatchJob) -> None:
        """RUNNABLE until there is a machine, or nobody waits any longer."""
        if job.status in ENDED:
            return
        self._move(job, "RUNNABLE")
        self._schedule.after(self._faults.random.uniform(1.0, 20.0), lambda: self._place(job, job.attempt))

    def _place(self, job: BatchJob, attempt: int) -> None:
        if job.status != "RUNNABLE" or job.attempt != attempt:
            return
        if self._faults.strike("waited too long for a machine", share=0.2):
            self._end(job, "FAILED", "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
            return
        self._move(job, "STARTING")
        self._schedule.after(self._faults.random.uniform(1.0, 10.0), lambda: self._start(job, attempt))

    def _start(self, job: BatchJob, attempt: int) -> None:
        if job.status != "STARTING" or job.attempt != attempt:
            return
        if self._faults.strike("reclaimed before its start", share=0.3):
            self.end_attempt(job, attempt, code=None, reason=RECLAIMED)
            return
        self._move(job, "RUNNING")
        job.started_ms = self._schedule.milliseconds
        self.run(job)

    def end_attempt(self, job: BatchJob, attempt: int, *, code: int | None, reason: str) -> None:
        """An attempt's container is gone; of one that Batch itself has ended already, nobody hears."""
        if job.status in ENDED or job.attempt != attempt:
            return
        self._note_end(job, code, reason)
        if code == 0:
            self._end(job, "SUCCEEDED", reason)
        elif reason != TIMED_OUT and CATALOG[job.kind].retries(attempt=attempt, exit_code=code, status_reason=reason):
            self._wait(job)
        else:
            self._end(job, "FAILED", reason)

    def _note_end(self, job: BatchJob, code: int | None, reason: str) -> None:
        container = {} if code is None else {"exitCode": code}
        times = {"startedAt": job.started_ms, "stoppedAt": self._schedule.milliseconds}
        job.attempts.append({"container": container, "statusReason": reason, **times})

    def _end(self, job: BatchJob, status: str, reason: str) -> None:
        if job.status not in ENDED:
            job.ended_at_s = self._schedule.now_s
            self._move(job, status, reason=reason)


def _away(call: str) -> ClientError:
    said = {"Error": {"Code": "InternalFailure", "Message": "simulated"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
    return ClientError(said, call)  # type: ignore[arg-type]
