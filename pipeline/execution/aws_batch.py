"""The executor over AWS Batch. Queues and job definitions are made by the CDK stack, from the same catalog.

SubmitJob has no idempotency token: a caller looks for the job's name first, and a client must not repeat a call of
which nobody knows whether it was heard. Finished jobs vanish from Batch within days, so nothing here may be the only
memory of an outcome.

What is wrong with a job is found before it is submitted. What Batch itself refuses is therefore the installation's
business, such as a queue that is closed or not there yet, a role without a right, or too many tenants at once: a person
mends it, and then all waiting jobs go on.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from pipeline.contracts.envelope import JobKind
from pipeline.errors import PermanentError, Unavailable
from pipeline.execution.batch_reports import BatchJob
from pipeline.execution.catalog import Profile
from pipeline.execution.cloudwatch_log import read_tail
from pipeline.execution.executor import AwaitedUnknown, JobReport, Submission, index_of, parent_of
from pipeline.execution.stuck.batch_calls import explain_jobs
from pipeline.execution.stuck.explanation import Explanation
from pipeline.execution.token_bucket import TokenBucket
from pipeline.lifecycle.job_state import JobState
from pipeline.reasons import Reason
from pipeline.retrying import Patience, retrying

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.literals import JobStatusType
    from mypy_boto3_logs import CloudWatchLogsClient

# AWS Batch takes 50 SubmitJob a second of an account: what is saved up and what is earned in a second are no more.
SUBMITS_PER_S = 40.0
SUBMITS_SAVED_UP = 10
# Quotas of AWS Batch: bytes of a SubmitJob, ids of a DescribeJobs, a job's name, what is kept of why one was ended.
PAYLOAD_BYTES = 30 * 1024
DESCRIBED_AT_ONCE = 100
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
REASON_CHARACTERS = 1024

# A throttled call has done nothing, and is made again after a pause that others do not share.
THROTTLED = Patience(attempts=6, total_s=10.0)
_THROTTLES = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"})
_TOO_MANY_REQUESTS = 429
_NO_SUCH_LOG = "ResourceNotFoundException"
# `share_identifier` writes the characters of a tenant that Batch does not take with the first letter of these pairs.
_SHARE_LETTERS = str.maketrans({"Z": "ZZ", "-": "Zd", "_": "Zu"})

ReplyT = TypeVar("ReplyT")


class _Throttled(Unavailable):
    """Batch asks us to slow down."""


class BatchExecutor:
    """See `pipeline.execution.executor.Executor` for what each method promises.

    `prefix` comes before the names of queues and definitions, which are the catalog's; `log_group` is theirs all.
    """

    def __init__(
        self,
        batch: "BatchClient",
        logs: "CloudWatchLogsClient",
        *,
        prefix: str,
        log_group: str,
        catalog: Mapping[JobKind, Profile],
        bucket: TokenBucket | None = None,
    ) -> None:
        self._batch = batch
        self._logs = logs
        self._prefix = prefix
        self._log_group = log_group
        self._catalog = catalog
        self._bucket = bucket or TokenBucket(SUBMITS_PER_S, size=SUBMITS_SAVED_UP)

    def submit(self, submission: Submission) -> str:
        profile = self._catalog[submission.kind]
        if not NAME.fullmatch(submission.name):
            raise PermanentError(Reason.SUBMIT_REFUSED, f"Batch takes no job of the name {submission.name!r}")
        request: dict[str, Any] = {
            "jobName": submission.name,
            "jobQueue": self._name(profile.queue),
            "jobDefinition": self._name(submission.kind.value),
            "shareIdentifier": share_identifier(submission.share),
            "schedulingPriorityOverride": profile.priority if submission.priority is None else submission.priority,
            "containerOverrides": {
                "environment": [{"name": name, "value": value} for name, value in submission.environment.items()]
            },
            "tags": {"kind": submission.kind.value, "tenant": submission.share},
            "propagateTags": True,
        }
        if submission.array_size is not None:
            request["arrayProperties"] = {"size": submission.array_size}
        if submission.after is not None:
            request["dependsOn"] = [{"jobId": submission.after}]
        size = len(json.dumps(request).encode())
        if size > PAYLOAD_BYTES:
            raise PermanentError(Reason.SUBMIT_REFUSED, f"{size} bytes to submit, Batch takes {PAYLOAD_BYTES}")
        try:
            return _patiently(lambda: self._submit(request))
        except Unavailable as error:
            if submission.after is not None and _was_refused(error) and not self._jobs([submission.after]):
                unknown = f"{submission.name} waits for {submission.after!r}: unknown"
                raise AwaitedUnknown(Reason.SUBMIT_REFUSED, unknown) from error
            raise

    def _submit(self, request: Mapping[str, Any]) -> str:
        self._bucket.take()
        with _answering("SubmitJob"):
            return self._batch.submit_job(**request)["jobId"]

    def find(self, name: str) -> str | None:
        return _patiently(lambda: self._find(name))

    def _find(self, name: str) -> str | None:
        found: list[tuple[int, str]] = []
        for queue in sorted({profile.queue for profile in self._catalog.values()}):
            with _answering("ListJobs"):
                pages = self._batch.get_paginator("list_jobs").paginate(
                    jobQueue=self._name(queue), filters=[{"name": "JOB_NAME", "values": [name]}]
                )
                # The filter takes upper and lower case for the same. AWS does not promise a summary its time.
                found += [
                    (job.get("createdAt", 0), job["jobId"])
                    for page in pages
                    for job in page["jobSummaryList"]
                    if job["jobName"] == name and parent_of(job["jobId"]) is None
                ]
        return max(found)[1] if found else None

    def describe(self, handles: Sequence[str]) -> dict[str, JobReport]:
        return {job.job_id: job.report() for job in self._jobs(handles)}

    def explain(self, handles: Sequence[str]) -> dict[str, Explanation]:
        return _patiently(lambda: explain_jobs(self._batch, handles, answering=_answering))

    def list_children(self, handle: str, state: JobState, *, limit: int) -> list[str]:
        return _patiently(lambda: self._list_children(handle, state, limit=limit))

    def _list_children(self, handle: str, state: JobState, *, limit: int) -> list[str]:
        with _answering("ListJobs"):
            pages = self._batch.get_paginator("list_jobs").paginate(
                arrayJobId=handle, jobStatus=cast("JobStatusType", state.value.upper())
            )
            # A page is asked for when it is come to.
            listed = islice((job["jobId"] for page in pages for job in page["jobSummaryList"]), limit)
            return sorted(listed, key=index_of)

    def cancel(self, handle: str, reason: str) -> None:
        jobs = self._jobs([handle])
        if jobs and jobs[0].has_ended:
            return
        try:
            # CancelJob does nothing to a job that has begun, and says that all is well.
            _patiently(lambda: self._terminate(handle, reason[:REASON_CHARACTERS]))
        except Unavailable as error:
            # What was submitted a moment ago may not be described yet, and is ended all the same.
            if jobs or not _was_refused(error):
                raise

    def _terminate(self, handle: str, reason: str) -> None:
        with _answering("TerminateJob"):
            self._batch.terminate_job(jobId=handle, reason=reason)

    def read_log(self, handle: str, attempt: int, *, tail_lines: int) -> list[str] | None:
        jobs = self._jobs([handle])
        stream = jobs[0].log_stream(attempt) if jobs else None
        if stream is None:
            return None
        try:
            with _answering("GetLogEvents"):
                # A stream whose lines have expired is there for a while longer.
                return read_tail(self._logs, group=self._log_group, stream=stream, lines=tail_lines) or None
        except Unavailable as error:
            if isinstance(error.__cause__, ClientError) and _code(error.__cause__) == _NO_SUCH_LOG:
                return None
            raise

    def close(self) -> None:
        """Jobs run on; what is closed is connections."""
        self._batch.close()
        self._logs.close()

    def _jobs(self, handles: Sequence[str]) -> list[BatchJob]:
        jobs: list[BatchJob] = []
        for first in range(0, len(handles), DESCRIBED_AT_ONCE):
            jobs += _patiently(partial(self._describe, list(handles[first : first + DESCRIBED_AT_ONCE])))
        return jobs

    def _describe(self, handles: list[str]) -> list[BatchJob]:
        with _answering("DescribeJobs"):
            reply = self._batch.describe_jobs(jobs=handles)
        try:
            return [BatchJob.model_validate(job) for job in reply["jobs"]]
        except ValidationError as error:
            raise Unavailable("executor_unreadable", f"DescribeJobs: {error}") from error

    def _name(self, name: str) -> str:
        return f"{self._prefix}-{name}"


def share_identifier(tenant_id: str) -> str:
    """Batch takes letters and digits, at most 255: each tenant has a share of its own, written in these."""
    return tenant_id.translate(_SHARE_LETTERS)


def _patiently(ask: Callable[[], ReplyT]) -> ReplyT:
    """What `ask` returns, which is called again for as long as it is throttled."""
    return retrying(THROTTLED, on=_Throttled)(ask)


@contextmanager
def _answering(call: str) -> Iterator[None]:
    """Turn errors of boto into ours."""
    try:
        yield
    except ClientError as error:
        kind = _Throttled if _is_throttle(error) else Unavailable
        raise kind("executor_unavailable", f"{call}: {error}") from error
    except BotoCoreError as error:
        raise Unavailable("executor_unavailable", f"{call}: {error}") from error


def _is_throttle(error: ClientError) -> bool:
    """Batch says it in several ways, one of them a ClientException like any other."""
    return (
        _code(error) in _THROTTLES or _status(error) == _TOO_MANY_REQUESTS or "too many requests" in str(error).lower()
    )


def _was_refused(error: Unavailable) -> bool:
    """Whether Batch has answered, and said no."""
    return isinstance(error.__cause__, ClientError) and _code(error.__cause__) == "ClientException"


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
