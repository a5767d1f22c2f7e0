"""AWS Batch as `boto3` shows it: queues, retries and states in its own words, on virtual time.

It lags: a new job is neither listed nor described at once. It loses answers. It takes machines away, and gives up on
jobs that wait too long for one. It forgets jobs that ended a day ago.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError

from pipeline.contracts.envelope import JobKind
from pipeline.execution.catalog import CATALOG
from tests.simulation.arrays import (
    ENDED,
    BatchJob,
    add_children,
    end_of_array,
    end_without_attempt,
    must_wait,
    whole_jobs,
)
from tests.simulation.faults import Faults
from tests.simulation.mail import Mail
from tests.simulation.schedule import Schedule

PREFIX = "academy"
LONGEST_LAG_S = 12.0
REMEMBERS_S = 86_400.0
# What ListJobs and an array's summary say of children is this old.
LISTS_LATE_S = 3.0
RECLAIMED = "Host EC2 (instance i-0) terminated."
TIMED_OUT = "Job attempt duration exceeded timeout"


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
        if any(job.name == name and self._is_listed(job) for job in whole_jobs(self.jobs)):
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
        for dependency in request.get("dependsOn", ()):
            job.waits_for = self.jobs.get(dependency["jobId"])
            if job.waits_for is None or self._is_forgotten(job.waits_for):
                raise _unknown(dependency["jobId"])
        size = request.get("arrayProperties", {}).get("size", 0)
        lags_s = [now_s + random.uniform(0.0, longest_lag_s) for _ in range(size)]
        add_children(job, size=size, described_at_s=lags_s)
        self.jobs |= {each.id: each for each in (job, *job.children)}
        self._schedule.after(random.uniform(0.1, 2.0), lambda: self._begin(job))
        return {"jobId": job.id}

    def get_paginator(self, _name: str) -> "SimulatedBatch":
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        def listed() -> dict[str, Any]:
            found = self._children_in(**asked) if "arrayJobId" in asked else self._named(**asked)
            summaries = [{"jobId": job.id, "jobName": job.name, "createdAt": job.created_ms} for job in found]
            return {"jobSummaryList": summaries}

        yield self._faults.call("list", listed, error=lambda: _away("ListJobs"))

    def _named(self, *, jobQueue: str, filters: list[dict[str, Any]]) -> list[BatchJob]:  # noqa: N803
        ((name,),) = (each["values"] for each in filters)
        named = (job for job in whole_jobs(self.jobs) if job.queue == jobQueue and job.name == name)
        return [job for job in named if self._is_listed(job)]

    def _children_in(self, *, arrayJobId: str, jobStatus: str) -> list[BatchJob]:  # noqa: N803
        now_s, array = self._schedule.now_s, self.jobs.get(arrayJobId)
        if array is None or self._is_forgotten(array):
            return []
        return [child for child in array.children if child.listed_status(now_s, late_s=self._late_s) == jobStatus]

    def describe_jobs(self, *, jobs: list[str]) -> dict[str, Any]:
        self._meanwhile()

        def described() -> dict[str, Any]:
            known = [self.jobs[each] for each in jobs if each in self.jobs]
            now_s = self._schedule.now_s
            told = [job for job in known if job.described_at_s <= now_s and not self._is_forgotten(job)]
            return {"jobs": [self._detail(job) for job in told]}

        return self._faults.call("describe", described, error=lambda: _away("DescribeJobs"))

    def terminate_job(self, *, jobId: str, reason: str) -> dict[str, Any]:  # noqa: N803
        def terminate() -> dict[str, Any]:
            self._terminate(self.jobs[jobId], reason)
            return {}

        return self._faults.call("terminate", terminate, error=lambda: _away("TerminateJob"))

    def _terminate(self, job: BatchJob, reason: str) -> None:
        if job.status in ENDED:
            return
        job.terminated = job.terminated or reason
        for child in job.children:
            self._terminate(child, reason)
        if job.children or must_wait(job):
            return
        if job.status == "RUNNING":
            self._note_end(job, 137, reason)
        self._end(job, "FAILED", reason)

    def close(self) -> None:
        return

    def _is_listed(self, job: BatchJob) -> bool:
        return job.listed_at_s <= self._schedule.now_s and not self._is_forgotten(job)

    def _is_forgotten(self, job: BatchJob) -> bool:
        ended_at_s = (job.array or job).ended_at_s
        return ended_at_s is not None and ended_at_s + REMEMBERS_S < self._schedule.now_s

    @property
    def _late_s(self) -> float:
        return LISTS_LATE_S if self._faults.are_on else 0.0

    def _detail(self, job: BatchJob) -> dict[str, Any]:
        return job.detail(self._schedule.now_s, late_s=self._late_s)

    def _move(self, job: BatchJob, status: str, *, reason: str | None = None) -> None:
        job.was, job.moved_at_s = job.status, self._schedule.now_s
        job.status, job.reason = status, reason
        self._mail.publish(self._detail(job))

    def _begin(self, job: BatchJob) -> None:
        """PENDING while it waits for another job, or for its own children."""
        if job.status in ENDED:
            return
        if must_wait(job):
            self._move(job, "PENDING")
        elif job.waits_for is not None:
            self._release(job)
        elif job.children:
            self._move(job, "PENDING")
            for child in job.children:
                self._schedule.after(self._faults.random.uniform(0.1, 2.0), partial(self._wait, child))
        else:
            self._wait(job)

    def _release(self, job: BatchJob) -> None:
        """What it has waited for has ended."""
        if job.status not in ("SUBMITTED", "PENDING"):
            return
        reason = end_without_attempt(job)
        if reason is not None:
            self._end(job, "FAILED", reason)
        else:
            self._wait(job)

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
        if job.status in ENDED:
            return
        job.ended_at_s = self._schedule.now_s
        self._move(job, status, reason=reason)
        if job.array is not None and (end := end_of_array(job.array)) is not None:
            self._end(job.array, *end)
        for waiting in [other for other in self.jobs.values() if other.waits_for is job]:
            self._schedule.after(self._faults.random.uniform(0.1, 2.0), partial(self._release, waiting))


def _away(call: str) -> ClientError:
    said = {"Error": {"Code": "InternalFailure", "Message": "simulated"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
    return ClientError(said, call)  # type: ignore[arg-type]


def _unknown(job_id: str) -> ClientError:
    said = {
        "Error": {"Code": "ClientException", "Message": f"no job {job_id}"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ClientError(said, "SubmitJob")  # type: ignore[arg-type]
