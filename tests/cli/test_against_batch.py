"""`academy jobs` against a control plane over AWS Batch: the same words as on one machine, logs from CloudWatch."""

import json
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any, cast
from uuid import UUID

import boto3
import pytest

from control_plane.dispatch.dispatcher import dispatch
from control_plane.dispatch.terminations import terminate_cancelled
from control_plane.services import Services
from pipeline.execution.aws_batch import BatchExecutor
from pipeline.execution.catalog import CATALOG
from tests.cli.conftest import Run
from tests.control_plane.conftest import _plane, emptied_postgres_url, plane, settings, shared_postgres_url
from tests.control_plane.plane import TENANT, Plane, token
from tests.fixtures.batch_account import LOG_GROUP, PREFIX, REGION, BatchAccount, batch_account
from tests.fixtures.simulated_jobs import EXIT_CODES

__all__ = ["_plane", "emptied_postgres_url", "plane", "settings", "shared_postgres_url"]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchAccount]:
    with batch_account(monkeypatch) as account:
        yield account


@pytest.fixture
def services(plane: Plane, account: BatchAccount, monkeypatch: pytest.MonkeyPatch) -> Services:
    """The plane's own, with an executor over Batch; `academy` finds the plane by its settings."""
    # Nobody ends their jobs but the test.
    monkeypatch.setitem(EXIT_CODES, "succeeds", (None,))
    logs = boto3.client("logs", region_name=REGION)
    executor = BatchExecutor(cast("Any", account), logs, prefix=PREFIX, log_group=LOG_GROUP, catalog=CATALOG)
    services = replace(plane.services, executor=executor)
    monkeypatch.setattr(plane.app.state, "services", services)
    monkeypatch.setenv("API_URL", plane.url)
    monkeypatch.setenv("API_TOKEN", token())
    return services


def submitted(plane: Plane, services: Services) -> str:
    _, job_id = plane.uploaded()
    dispatch(services, Event())
    return str(job_id)


def said(run: Run, *arguments: str) -> Any:
    ended = run("jobs", *arguments, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_jobs_on_batch_are_steered_and_read_as_on_one_machine(
    run: Run, plane: Plane, services: Services, account: BatchAccount
) -> None:
    running, waiting = submitted(plane, services), submitted(plane, services)
    rows = {row["id"]: row for row in said(run, "list")}
    assert rows[running]["handle"] == plane.job(UUID(running)).handle
    assert account.requests[0]["schedulingPriorityOverride"] == rows[running]["priority"]

    # The account's one place is taken by the first when somebody looks.
    account.set_queue_state(f"{PREFIX}-video", "DISABLED")
    (stuck,) = said(run, "stuck")
    assert (stuck["id"], stuck["why"]["cause"]) == (waiting, "queue_closed")
    assert f"aws batch update-job-queue --job-queue {PREFIX}-video --state ENABLED" in run("jobs", "stuck").out
    assert said(run, "inspect", running)["executor"]["state"] == "running"
    assert said(run, "logs", running) == {"attempt": 1, "lines": ["attempt 1"]}
    assert run("jobs", "logs", waiting).code == 3, "it has written nothing"

    assert said(run, "cancel", running)["reason"] == "CANCELLED"
    terminate_cancelled(services, Event())
    report = said(run, "inspect", running)["executor"]
    assert (report["state"], report["status_reason"]) == ("failed", "CANCELLED: by kim")
    assert run("jobs", "resubmit", "--failed", "--yes").err.endswith(f"No such jobs of tenant {TENANT}.\n"), (
        "a person has cancelled it"
    )
    (again,) = said(run, "resubmit", "--failed", "--reason", "CANCELLED", "--yes")["resubmitted"]
    assert again["id"] == running
    account.set_queue_state(f"{PREFIX}-video", "ENABLED")
    dispatch(services, Event())
    assert [request["jobName"] for request in account.requests] == [running, waiting, again["new_id"]]
    assert run("jobs", "resubmit", running).code == 4, "one is live"
