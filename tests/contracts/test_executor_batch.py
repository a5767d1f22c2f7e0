"""The executor over AWS Batch keeps the executor's contract, and the quotas of Batch."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from pipeline.contracts.envelope import JobKind
from pipeline.errors import PermanentError, Unavailable
from pipeline.execution.aws_batch import BatchExecutor, share_identifier
from pipeline.execution.catalog import CATALOG
from pipeline.execution.executor import Executor, Submission
from pipeline.execution.token_bucket import TokenBucket
from tests.contracts.executor_contract import Behaviour, ExecutorContract, ExecutorLab
from tests.fixtures.batch_account import LOG_GROUP, PREFIX, REGION, BatchAccount, batch_account


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
    assert (request["shareIdentifier"], request["schedulingPriorityOverride"]) == ("tenant1", 7)
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


def test_a_throttled_submit_is_made_again(account: BatchAccount):
    account.submits_to_throttle = 2
    lab = BatchLab(account)
    assert lab.executor.submit(lab.submission("job-1", Behaviour.SUCCEEDS)) == lab.executor.find("job-1")
    assert len(account.requests) == 1


def test_a_submit_that_stays_throttled_is_unavailable_not_refused(account: BatchAccount):
    account.submits_to_throttle = 100
    lab = BatchLab(account)
    with pytest.raises(Unavailable):
        lab.executor.submit(lab.submission("job-1", Behaviour.SUCCEEDS))
    assert lab.executor.find("job-1") is None


def test_more_than_100_handles_are_described_in_turns(account: BatchAccount):
    lab = BatchLab(account)
    handles = [lab.executor.submit(lab.submission(f"job-{n}", Behaviour.SUCCEEDS)) for n in range(101)]
    assert set(lab.executor.describe(handles)) == set(handles)


def test_a_payload_above_30_kib_is_refused_before_it_is_sent(account: BatchAccount):
    lab = BatchLab(account)
    small = lab.submission("job-1", Behaviour.SUCCEEDS)
    with pytest.raises(PermanentError, match="bytes to submit"):
        lab.executor.submit(replace(small, environment={**small.environment, "LARGE": "x" * 31_000}))
    assert account.requests == []


def test_names_that_differ_in_case_are_different_jobs(account: BatchAccount):
    lab = BatchLab(account)
    name = f"job-{uuid4()}"
    lab.executor.submit(lab.submission(name.upper(), Behaviour.SUCCEEDS))
    assert lab.executor.find(name) is None


def test_a_queue_that_does_not_exist_refuses_for_good(account: BatchAccount):
    logs = boto3.client("logs", region_name=REGION)
    executor = BatchExecutor(cast("Any", account), logs, prefix="nowhere", log_group=LOG_GROUP, catalog=CATALOG)
    with pytest.raises(PermanentError) as refused:
        executor.submit(Submission("job-1", JobKind.TRANSCODE, {}, share="t"))
    assert isinstance(refused.value.__cause__, ClientError)


def test_a_share_has_letters_and_digits_only():
    assert share_identifier("tenant_a-1") == "tenanta1"
    assert share_identifier("--") == "tenant"


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
