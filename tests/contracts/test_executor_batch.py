"""The executor over AWS Batch keeps the executor's contract, and the quotas of Batch."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from pipeline.contracts.envelope import JobKind
from pipeline.errors import PermanentError, Unavailable
from pipeline.execution.aws_batch import SUBMITS_PER_S, SUBMITS_SAVED_UP, BatchExecutor, share_identifier
from pipeline.execution.catalog import CATALOG
from pipeline.execution.executor import Executor, Submission
from pipeline.execution.stuck.explanation import Cause
from pipeline.execution.token_bucket import TokenBucket
from pipeline.lifecycle.job_state import JobState
from pipeline.retrying import Patience
from tests.contracts.executor_contract import Behaviour, ExecutorContract, ExecutorLab
from tests.fixtures.batch_account import LOG_GROUP, PREFIX, REGION, BatchAccount, batch_account, refusal


class BatchLab(ExecutorLab):
    def __init__(self, account: BatchAccount) -> None:
        self.account = account
        self.executor: Executor = self._open()

    def submission(self, name: str, behaviour: Behaviour) -> Submission:
        environment = {"BEHAVIOUR": behaviour.value, "JOB_TOKEN": f"secret-of-{name}"}
        return Submission(name, JobKind.TRANSCODE, environment, share="tenant-1")

    def reopen(self) -> None:
        self.executor = self._open()

    def _open(self) -> BatchExecutor:
        logs = boto3.client("logs", region_name=REGION)
        return BatchExecutor(cast("Any", self.account), logs, prefix=PREFIX, log_group=LOG_GROUP, catalog=CATALOG)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses between throttled calls."""
    patience = Patience(attempts=4, total_s=5.0, first_pause_s=0.001, longest_pause_s=0.002)
    monkeypatch.setattr("pipeline.execution.aws_batch.THROTTLED", patience)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchAccount]:
    with batch_account(monkeypatch) as account:
        yield account


class TestBatchExecutor(ExecutorContract):
    @pytest.fixture
    def lab(self, account: BatchAccount) -> ExecutorLab:
        return BatchLab(account)


def test_what_is_submitted_names_the_queue_the_definition_and_the_tenants_share(account: BatchAccount):
    lab = BatchLab(account)
    lab.executor.submit(replace(lab.submission("job-1", Behaviour.SUCCEEDS), priority=7))
    (request,) = account.requests
    assert request["jobQueue"] == f"{PREFIX}-{CATALOG[JobKind.TRANSCODE].queue}"
    assert request["jobDefinition"] == f"{PREFIX}-transcode"
    assert (request["shareIdentifier"], request["schedulingPriorityOverride"]) == ("tenantZd1", 7)
    assert request["tags"] == {"kind": "transcode", "tenant": "tenant-1"}


def test_an_array_and_what_waits_for_it_are_submitted_in_batchs_words(account: BatchAccount):
    lab = BatchLab(account)
    array = lab.executor.submit(replace(lab.submission("parts", Behaviour.SUCCEEDS), array_size=10_000))
    lab.executor.submit(replace(lab.submission("join", Behaviour.SUCCEEDS), after=array))
    parts, join = account.requests
    assert (parts["arrayProperties"], parts.get("dependsOn")) == ({"size": 10_000}, None)
    assert (join.get("arrayProperties"), join["dependsOn"]) == (None, [{"jobId": array}])


def test_a_job_without_a_priority_has_its_kinds_own(account: BatchAccount):
    logs = boto3.client("logs", region_name=REGION)
    catalog = {kind: replace(profile, priority=5) for kind, profile in CATALOG.items()}
    executor = BatchExecutor(cast("Any", account), logs, prefix=PREFIX, log_group=LOG_GROUP, catalog=catalog)
    executor.submit(Submission("job-1", JobKind.TRANSCODE, {}, share="t"))
    assert account.requests[0]["schedulingPriorityOverride"] == 5


# Batch says it in each of these ways.
THROTTLES = (
    refusal("TooManyRequestsException", "SubmitJob", "Too Many Requests", status=429),
    refusal("ThrottlingException", "SubmitJob", "Rate exceeded", status=400),
    refusal("ClientException", "SubmitJob", "Too many requests", status=400),
)


@pytest.mark.usefixtures("impatient")
def test_a_throttled_call_is_made_again(account: BatchAccount):
    lab = BatchLab(account)
    executor = lab.executor
    account.errors = list(THROTTLES)
    handle = executor.submit(lab.submission("job-1", Behaviour.RUNS_ON))
    assert len(account.requests) == 1
    for ask in (
        lambda: executor.find("job-1") == handle,
        lambda: set(executor.describe([handle])) == {handle},
        lambda: set(executor.explain([handle])) == {handle},
        lambda: executor.list_children(handle, JobState.FAILED, limit=1) == [],
    ):
        account.errors = [THROTTLES[0]]
        assert ask()
    account.errors = [THROTTLES[0], None, THROTTLES[0]]
    executor.cancel(handle, "not needed")
    assert executor.describe([handle])[handle].state is JobState.FAILED


@pytest.mark.usefixtures("impatient")
def test_a_submit_that_stays_throttled_is_unavailable_not_refused(account: BatchAccount):
    lab = BatchLab(account)
    account.errors = [THROTTLES[0]] * 100
    with pytest.raises(Unavailable):
        lab.executor.submit(lab.submission("job-1", Behaviour.SUCCEEDS))
    account.errors = []
    assert lab.executor.find("job-1") is None


MENDED_BY_TIME_OR_A_PERSON = (
    refusal("ClientException", "SubmitJob", "Job Queue is at its limit of 500 share identifiers", status=400),
    refusal("InvalidSignatureException", "SubmitJob", "Signature expired", status=403),
    refusal("ExpiredTokenException", "SubmitJob", "The security token has expired", status=403),
    refusal("ServerException", "SubmitJob", "internal", status=500),
)


def test_what_time_or_a_person_mends_is_no_fault_of_the_job_and_is_sent_once(account: BatchAccount):
    lab = BatchLab(account)
    for error in MENDED_BY_TIME_OR_A_PERSON:
        account.errors = [error]
        with pytest.raises(Unavailable, match="SubmitJob"):
            lab.executor.submit(lab.submission("job-1", Behaviour.SUCCEEDS))
        assert (account.errors, account.requests) == ([], [])


def test_a_queue_that_is_closed_or_not_there_takes_jobs_when_it_is_open(account: BatchAccount):
    lab = BatchLab(account)
    account.set_queue_state(f"{PREFIX}-video", "DISABLED")
    with pytest.raises(Unavailable, match="not ENABLED"):
        lab.executor.submit(lab.submission("job-1", Behaviour.SUCCEEDS))
    account.set_queue_state(f"{PREFIX}-video", "ENABLED")
    assert lab.executor.submit(lab.submission("job-1", Behaviour.SUCCEEDS))
    logs = boto3.client("logs", region_name=REGION)
    executor = BatchExecutor(cast("Any", account), logs, prefix="nowhere", log_group=LOG_GROUP, catalog=CATALOG)
    with pytest.raises(Unavailable) as refused:
        executor.submit(Submission("job-1", JobKind.TRANSCODE, {}, share="t"))
    assert isinstance(refused.value.__cause__, ClientError)


def test_more_than_100_handles_are_described_and_explained_in_turns(account: BatchAccount):
    lab = BatchLab(account)
    handle = lab.executor.submit(lab.submission("job-1", Behaviour.SUCCEEDS))
    handles = [*(f"nobody-knows-{n}" for n in range(100)), handle]
    assert set(lab.executor.describe(handles)) == {handle}
    assert set(lab.executor.explain(handles)) == {handle}


def test_a_closed_queue_is_why_its_jobs_wait(account: BatchAccount):
    lab = BatchLab(account)
    running, waiting = (lab.executor.submit(lab.submission(f"job-{n}", Behaviour.RUNS_ON)) for n in range(2))
    account.set_queue_state(f"{PREFIX}-video", "DISABLED")
    why = lab.executor.explain([running, waiting])[waiting]
    assert (why.cause, why.needs_a_person) == (Cause.QUEUE_CLOSED, True)
    assert f"{PREFIX}-video is DISABLED" in why.detail


def test_no_second_sees_more_than_50_submits(account: BatchAccount, monkeypatch: pytest.MonkeyPatch):
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    bucket = TokenBucket(SUBMITS_PER_S, size=SUBMITS_SAVED_UP, clock=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(account, "clock", lambda: now[0])
    executor = BatchExecutor(
        cast("Any", account),
        boto3.client("logs", region_name=REGION),
        prefix=PREFIX,
        log_group=LOG_GROUP,
        catalog=CATALOG,
        bucket=bucket,
    )
    monkeypatch.setattr("pipeline.execution.aws_batch.THROTTLED", Patience(attempts=1, total_s=1.0))
    for n in range(60):
        executor.submit(Submission(f"job-{n}", JobKind.TRANSCODE, {}, share="t"))
    assert len(account.requests) == 60


def test_an_explanation_without_the_right_to_look_at_queues_is_unavailable(
    account: BatchAccount, monkeypatch: pytest.MonkeyPatch
):
    lab = BatchLab(account)
    lab.executor.submit(lab.submission("job-1", Behaviour.RUNS_ON))
    waiting = lab.executor.submit(lab.submission("job-2", Behaviour.SUCCEEDS))

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeJobQueues")

    monkeypatch.setattr(account, "describe_job_queues", refuse)
    with pytest.raises(Unavailable, match="DescribeJobQueues"):
        lab.executor.explain([waiting])


def test_a_payload_above_30_kib_is_refused_before_it_is_sent(account: BatchAccount):
    lab = BatchLab(account)
    small = lab.submission("job-1", Behaviour.SUCCEEDS)
    with pytest.raises(PermanentError, match="bytes to submit"):
        lab.executor.submit(replace(small, environment={**small.environment, "LARGE": "x" * 31_000}))
    assert account.requests == []


def test_a_job_that_is_not_described_yet_is_ended_all_the_same(account: BatchAccount, monkeypatch: pytest.MonkeyPatch):
    lab = BatchLab(account)
    handle = lab.executor.submit(lab.submission("job-1", Behaviour.RUNS_ON))
    with monkeypatch.context() as lagging:
        lagging.setattr(account, "describe_jobs", lambda **_: {"jobs": []})
        lab.executor.cancel(handle, "not needed")
    assert lab.executor.describe([handle])[handle].state is JobState.FAILED


def test_names_that_differ_in_case_are_different_jobs(account: BatchAccount):
    lab = BatchLab(account)
    name = f"job-{uuid4()}"
    lab.executor.submit(lab.submission(name.upper(), Behaviour.SUCCEEDS))
    assert lab.executor.find(name) is None


def test_each_tenant_has_a_share_of_its_own_in_letters_and_digits():
    assert share_identifier("hagwon") == "hagwon"
    tenants = ["academy-11", "academy-1-1", "academy_11", "academy11", "academyZd11", "-", "_", "Z", "ZZ", "d", "Zd"]
    shares = [share_identifier(tenant) for tenant in tenants]
    assert len(set(shares)) == len(tenants)
    assert all(re.fullmatch("[A-Za-z0-9]{1,255}", share) for share in [*shares, share_identifier("_" * 64)])


def test_a_token_bucket_never_gives_more_than_its_rate():
    now = [0.0]
    given: list[float] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    bucket = TokenBucket(10.0, size=5, clock=lambda: now[0], sleep=sleep)
    for _ in range(45):
        bucket.take()
        given.append(now[0])
    assert given[4] == 0.0
    assert given[-1] == pytest.approx(4.0)
    for start in given:
        assert sum(start <= at < start + 1 for at in given) <= 15
