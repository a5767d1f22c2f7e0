"""Events of AWS Batch, in any number and order, lead where reconcile says; none is lost to an error of ours."""

import json
import os
from collections.abc import Iterable, Iterator
from itertools import permutations
from threading import Event
from typing import Any
from uuid import uuid4

import boto3
import psycopg
import pytest
from moto import mock_aws

from control_plane.events import consumer
from control_plane.events.consumer import consume
from control_plane.events.queue import AT_ONCE, Message, SqsQueue
from control_plane.events.state_changes import read_state_change
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import Luggage, apply_news
from control_plane.services import Services
from pipeline.database.job_dispatch import record_handle
from pipeline.database.jobs import Job, NewJob, end_job_failed, insert_job, lock_job
from pipeline.errors import Unavailable
from pipeline.lifecycle.job_state import JobState
from pipeline.lifecycle.reconcile import News
from tests.control_plane.plane import TENANT, Plane

REGION = "ap-northeast-2"
ENDED = {"exitCode": 65, "logStreamName": "a/b/c"}


class Mail:
    """A queue with its dead letters, at moto."""

    def __init__(self) -> None:
        self._client = boto3.client("sqs", region_name=REGION)
        self._dead = self._client.create_queue(QueueName="dead")["QueueUrl"]
        arn = self._client.get_queue_attributes(QueueUrl=self._dead, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
        attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
        self._url = self._client.create_queue(QueueName="events", Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]
        self.queue = SqsQueue(self._client, self._url)

    def send(self, body: str) -> None:
        self._client.send_message(QueueUrl=self._url, MessageBody=body)

    def left(self) -> tuple[int, int]:
        """Messages in the queue, and dead letters."""
        return self._count(self._url), self._count(self._dead)

    def _count(self, url: str) -> int:
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        said = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(said[name]) for name in names)


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mail]:
    monkeypatch.setattr("control_plane.events.queue.WAIT_S", 0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Mail()


def event(handle: str, status: str, **detail: Any) -> str:
    said = {"jobId": handle, "jobName": "a-job", "status": status, "createdAt": 1_700_000_000_000, **detail}
    return json.dumps({
        "version": "0", "id": "x", "source": "aws.batch", "detail-type": "Batch Job State Change",
        "region": REGION, "detail": {"jobQueue": "q", "somethingNew": {"a": 1}, **said},
    })  # fmt: skip


def dispatched(plane: Plane) -> tuple[Any, str]:
    _, job_id = plane.uploaded()
    plane.turn("dispatcher")
    return job_id, f"handle-{job_id}"


def attempt(code: int | None, **more: Any) -> dict[str, Any]:
    return {"container": {"exitCode": code}, "startedAt": 1, "stoppedAt": 2, **more}


def test_an_event_moves_its_job_and_is_deleted(plane: Plane, mail: Mail):
    job_id, handle = dispatched(plane)
    mail.send(event(handle, "RUNNABLE"))
    consume(plane.services, mail.queue, Event())
    assert plane.job(job_id).state == JobState.RUNNABLE
    assert mail.left() == (0, 0)


def test_a_failure_is_told_with_the_exit_code_of_its_attempt(plane: Plane, mail: Mail):
    job_id, handle = dispatched(plane)
    mail.send(event(handle, "FAILED", statusReason="Host EC2 (instance i-1) terminated.", attempts=[attempt(None)]))
    consume(plane.services, mail.queue, Event())
    job = plane.job(job_id)
    assert (job.state, job.reason) == (JobState.FAILED, "JOB_LOST")
    assert "Host EC2" in job.detail


SEVEN = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "RUNNABLE_AGAIN", "FAILED")


# Every so many of the 5,040 orders; `make simulate` takes all. Those of reconcile itself are tested where it lives.
ORDERS_APART = int(os.environ.get("ORDERS_APART", "97"))


class Letters:
    """A queue in memory, which hands out its messages in their order."""

    def __init__(self, bodies: Iterable[str]) -> None:
        self.left = [Message(body, f"receipt-{number}") for number, body in enumerate(bodies)]

    def receive(self) -> list[Message]:
        return self.left[:AT_ONCE]

    def delete(self, message: Message) -> None:
        self.left.remove(message)


def test_seven_events_end_alike_in_every_order_with_duplicates(plane: Plane):
    said = {
        name: event("{}", name.removesuffix("_AGAIN"), attempts=[attempt(75)] if name == "RUNNABLE_AGAIN" else [])
        for name in SEVEN[:-1]
    }
    said["FAILED"] = event("{}", "FAILED", statusReason="gone", attempts=[attempt(75), attempt(1)])
    video_id, job_id = plane.uploaded()
    with plane.services.pool.connection() as connection:
        retried = lock_job(connection, TENANT, job_id)
        assert retried is not None
        end_job_failed(connection, retried, attempt=0, reason="JOB_LOST", detail="")
    for order in list(permutations(SEVEN))[::ORDERS_APART]:
        handle = str(uuid4())
        with plane.services.pool.connection() as connection:
            job = insert_job(connection, NewJob(uuid4(), TENANT, "transcode", video_id, retried.spec, "kim"))
            record_handle(connection, job, handle=handle)
        letters = Letters(said[name].replace('"{}"', json.dumps(handle)) for name in (*order, *order[:3]))
        consume(plane.services, letters, Event())
        ended = plane.job(job.id)
        assert (ended.state, ended.attempt, letters.left) == (JobState.FAILED, 2, []), order


def test_events_of_jobs_that_are_not_ours_are_deleted(plane: Plane, mail: Mail):
    mail.send(event("someone-elses", "RUNNING"))
    consume(plane.services, mail.queue, Event())
    assert mail.left() == (0, 0)


def test_events_of_an_arrays_children_name_their_array_and_are_deleted(plane: Plane, mail: Mail):
    job_id, handle = dispatched(plane)
    child = event(f"{handle}:3", "RUNNABLE", arrayProperties={"index": 3, "statusSummary": {}}, attempts=[attempt(75)])
    report = read_state_change(child)
    assert (report.parent, report.index, report.exit_code, report.attempt) == (handle, 3, 75, 2)
    summary = {"size": 4, "statusSummary": {"RUNNABLE": 1, "SUCCEEDED": 3, "FAILED": 0}}
    array = event(handle, "PENDING", arrayProperties=summary)
    report = read_state_change(array)
    assert (report.parent, report.index, report.attempt) == (None, None, 1)
    assert report.children == {JobState.RUNNABLE: 1, JobState.SUCCEEDED: 3}
    for body in (child, array):
        mail.send(body)
    consume(plane.services, mail.queue, Event())
    assert (plane.job(job_id).state, mail.left()) == (JobState.PENDING, (0, 0))


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "{}",
        event("h", "DANCING"),
        event("h\0", "RUNNING"),
        event("h", "RUNNING", createdAt=10**20),
        event("h", "RUNNING").replace("aws.batch", "x"),
    ],
)
def test_what_cannot_be_read_is_left_for_the_dead_letters_and_stops_nothing(plane: Plane, mail: Mail, body: str):
    job_id, handle = dispatched(plane)
    mail.send(body)
    mail.send(event(handle, "RUNNABLE"))
    consume(plane.services, mail.queue, Event())
    assert plane.job(job_id).state == JobState.RUNNABLE
    assert mail.left() == (0, 1)


def test_a_message_whose_commit_failed_comes_again(plane: Plane, mail: Mail, monkeypatch: pytest.MonkeyPatch):
    job_id, handle = dispatched(plane)
    mail.send(event(handle, "RUNNABLE"))
    calls: list[str] = []

    def broken_once(services: Services, key: JobKey, news: News, *, luggage: Luggage) -> Job:
        calls.append(key.tenant_id)
        if len(calls) == 1:
            raise psycopg.OperationalError("the connection was cut at commit")
        return apply_news(services, key, news, luggage=luggage)

    monkeypatch.setattr(consumer, "apply_news", broken_once)
    consume(plane.services, mail.queue, Event())
    assert len(calls) == 2
    assert plane.job(job_id).state == JobState.RUNNABLE
    assert mail.left() == (0, 0)


def test_a_message_that_cannot_be_deleted_keeps_none_behind_it_waiting(
    plane: Plane, mail: Mail, monkeypatch: pytest.MonkeyPatch
):
    jobs = [dispatched(plane) for _ in range(2)]
    for _, handle in jobs:
        mail.send(event(handle, "RUNNABLE"))
    delete, seen = mail.queue.delete, []

    def broken_once(message: Message) -> None:
        seen.append(message)
        if len(seen) == 1:
            raise Unavailable("events_unavailable", "DeleteMessage")
        assert all(plane.job(job_id).state == JobState.RUNNABLE for job_id, _ in jobs)
        delete(message)

    monkeypatch.setattr(mail.queue, "delete", broken_once)
    consume(plane.services, mail.queue, Event())
    assert (len(seen), mail.left()) == (3, (0, 0))


def test_what_is_not_looked_at_when_the_process_stops_is_left_for_the_next_one(
    plane: Plane, mail: Mail, monkeypatch: pytest.MonkeyPatch
):
    (first, handle), (second, other) = dispatched(plane), dispatched(plane)
    for each in (handle, other):
        mail.send(event(each, "RUNNABLE"))
    stopping, delete = Event(), mail.queue.delete

    def deleted_at_the_end(message: Message) -> None:
        stopping.set()
        delete(message)

    monkeypatch.setattr(mail.queue, "delete", deleted_at_the_end)
    consume(plane.services, mail.queue, stopping)
    assert sorted(plane.job(job_id).state for job_id in (first, second)) == [JobState.RUNNABLE, JobState.SUBMITTED]
    assert mail.left() == (1, 0)
    consume(plane.services, mail.queue, Event())
    assert {plane.job(job_id).state for job_id in (first, second)} == {JobState.RUNNABLE}


def test_news_that_the_row_is_ahead_of_waits_for_nobody_and_its_exit_codes_are_kept(plane: Plane, mail: Mail):
    job_id, handle = dispatched(plane)
    mail.send(event(handle, "RUNNING", attempts=[attempt(75)]))
    consume(plane.services, mail.queue, Event())
    with plane.services.pool.connection() as connection:
        connection.execute("INSERT INTO job_attempts (tenant_id, job_id, attempt) SELECT tenant_id, id, 1 FROM jobs")
    with plane.services.pool.connection() as holder:
        holder.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", [job_id])
        mail.send(event(handle, "RUNNABLE", attempts=[attempt(75)]))
        consume(plane.services, mail.queue, Event())
        assert mail.left() == (0, 0)
    with plane.services.pool.connection() as connection:
        assert connection.execute("SELECT exit_code FROM job_attempts").fetchall() == [(75,)]


def test_the_failed_child_of_an_array_that_is_no_jobs_ends_nothing(plane: Plane, mail: Mail):
    job_id, handle = dispatched(plane)
    mail.send(event(f"{handle}:0", "FAILED", statusReason="x", attempts=[attempt(137)]))
    consume(plane.services, mail.queue, Event())
    assert (plane.job(job_id).state, mail.left()) == (JobState.SUBMITTED, (0, 0))


def test_the_event_of_a_child_that_has_failed_ends_its_job_with_the_childs_reason(plane: Plane, mail: Mail):
    plane.probe.duration_s = 360.0
    job_id, handle = dispatched(plane)
    array = f"{handle}-parts"
    mail.send(event(f"{array}:0", "SUCCEEDED", attempts=[attempt(0)]))
    mail.send(event(array, "PENDING", arrayProperties={"size": 3, "statusSummary": {"SUCCEEDED": 1}}))
    consume(plane.services, mail.queue, Event())
    assert plane.job(job_id).state == JobState.SUBMITTED
    mail.send(event(f"{array}:1", "FAILED", statusReason="x", attempts=[attempt(137)]))
    consume(plane.services, mail.queue, Event())
    job = plane.job(job_id)
    assert (job.state, job.reason, job.detail) == (JobState.FAILED, "WORKER_KILLED", "part 1: x (exit code 137)")
    assert mail.left() == (0, 0)


def test_a_job_that_was_given_up_for_its_array_has_the_reason_of_a_child(plane: Plane, mail: Mail):
    plane.probe.duration_s = 360.0
    job_id, handle = dispatched(plane)
    plane.executor.tell(f"{handle}-parts:2", JobState.FAILED, attempt=3, exit_codes=[75, 75, 137], why="x")
    mail.send(event(handle, "FAILED", statusReason="Dependent Job failed"))
    consume(plane.services, mail.queue, Event())
    job = plane.job(job_id)
    assert (job.reason, job.detail) == ("WORKER_KILLED", "part 2: x (exit code 137)")
