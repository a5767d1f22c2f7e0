"""Why a job of AWS Batch waits, by what Batch says."""

from typing import Any

import pytest

from pipeline.contracts.envelope import JobKind
from pipeline.costs.prices import INSTANCES
from pipeline.execution.catalog import CATALOG
from pipeline.execution.stuck.batch_facts import ComputeEnvironment, Queue, WaitingJob
from pipeline.execution.stuck.batch_rules import explain_batch
from pipeline.execution.stuck.explanation import Cause
from pipeline.execution.stuck.local_rules import LocalFacts, explain_local
from pipeline.execution.stuck.machines import machine_of
from pipeline.lifecycle.job_state import JobState

TRANSCODE = CATALOG[JobKind.TRANSCODE]
NO_CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for g6.xlarge"
TOO_LARGE = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) cannot meet the CPU requirement of the job."
NO_ROLE = "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - Batch service role has a permission issue."


def job(*, asks: tuple[int, int, int] | None = None, **said: Any) -> WaitingJob:
    vcpus, memory_mib, gpus = asks or (TRANSCODE.vcpus, TRANSCODE.memory_mib, TRANSCODE.gpus)
    requirements = [("VCPU", vcpus), ("MEMORY", memory_mib), ("GPU", gpus)]
    container = {"resourceRequirements": [{"type": kind, "value": str(n)} for kind, n in requirements if n]}
    return WaitingJob.model_validate(
        {"jobId": "j", "jobQueue": "arn:q/video", "status": "RUNNABLE", "container": container, "new": 1, **said}
    )


def queue(**said: Any) -> Queue:
    return Queue.model_validate({"jobQueueName": "video", "jobQueueArn": "arn:q/video", "state": "ENABLED", **said})


def environment(
    name: str = "spot", *, used: int = 0, most: int = 16, types: str = "g4dn.xlarge g6.xlarge", **said: Any
):
    resources = {"maxvCpus": most, "desiredvCpus": used, "instanceTypes": types.split()}
    return ComputeEnvironment.model_validate(
        {
            "computeEnvironmentName": name,
            "computeEnvironmentArn": f"arn:{name}",
            "state": "ENABLED",
            "status": "VALID",
            "computeResources": resources,
            **said,
        }
    )


DISABLED = environment(state="DISABLED")
INVALID = environment("broken", status="INVALID", statusReason="INTERNAL_ERROR - no subnet")
FULL = environment(used=16)
CASES: dict[str, tuple[WaitingJob, Queue | None, list[ComputeEnvironment], Cause, str]] = {
    "just taken": (job(status="SUBMITTED"), None, [], Cause.BEING_ADMITTED, "not looked at it"),
    "after another": (job(status="PENDING", dependsOn=[{"jobId": "x-1"}]), None, [], Cause.AFTER_ANOTHER_JOB, "x-1"),
    "pending": (job(status="PENDING"), None, [], Cause.BEING_ADMITTED, "depends on"),
    "starting": (job(status="STARTING"), None, [], Cause.STARTING, "image"),
    "runs": (job(status="RUNNING"), None, [], Cause.BEGUN, "RUNNING"),
    "queue gone": (job(), None, [], Cause.QUEUE_CLOSED, "queue video is gone"),
    "queue off": (job(), queue(state="DISABLED"), [environment()], Cause.QUEUE_CLOSED, "video is DISABLED"),
    "queue broken": (job(), queue(status="INVALID", statusReason="why"), [], Cause.QUEUE_CLOSED, "INVALID: why"),
    "queue changing": (
        job(),
        queue(status="UPDATING"),
        [environment()],
        Cause.WAITS_FOR_MACHINE,
        "0 of at most",
    ),
    "no environment": (job(), queue(), [], Cause.NO_ENVIRONMENT, "no compute environment"),
    "environment off": (job(), queue(), [DISABLED], Cause.NO_ENVIRONMENT, "spot is DISABLED"),
    "all broken": (job(), queue(), [INVALID, DISABLED], Cause.NO_ENVIRONMENT, "broken is INVALID (INTERNAL_ERROR"),
    "one broken": (job(), queue(), [INVALID, environment()], Cause.WAITS_FOR_MACHINE, "broken is INVALID"),
    "no capacity": (job(statusReason=NO_CAPACITY), queue(), [environment()], Cause.NO_CAPACITY, "g6.xlarge"),
    "a role": (job(statusReason=NO_ROLE), queue(), [environment()], Cause.MISCONFIGURED, "permission issue"),
    "unclear": (job(statusReason="UNDETERMINED - no idea"), queue(), [environment()], Cause.MISCONFIGURED, "no idea"),
    "Batch says so": (
        job(statusReason=TOO_LARGE),
        queue(),
        [environment()],
        Cause.ASKS_TOO_MUCH,
        "4 vCPUs, 12288",
    ),
    "above the limit": (job(), queue(), [environment(most=2)], Cause.ASKS_TOO_MUCH, "may have 2 vCPUs at most"),
    "too many vCPUs": (job(asks=(8, 1024, 0)), queue(), [environment()], Cause.ASKS_TOO_MUCH, "xlarge with 4 vCPUs"),
    "all of the memory": (job(asks=(4, 16_384, 1)), queue(), [environment()], Cause.ASKS_TOO_MUCH, "16384 MiB"),
    "no GPU there": (job(), queue(), [environment(types="c6i.8xlarge")], Cause.ASKS_TOO_MUCH, "c6i.8xlarge"),
    "fits one": (
        job(),
        queue(),
        [environment("a", most=2), FULL],
        Cause.AT_ITS_LIMIT,
        "spot has 16 of",
    ),
    "one unknown type": (
        job(),
        queue(),
        [environment(types="c6i.large optimal")],
        Cause.WAITS_FOR_MACHINE,
        "0 of at most",
    ),
    "unknown types": (job(), queue(), [environment(types="optimal")], Cause.WAITS_FOR_MACHINE, "0 of at most"),
    "full": (job(), queue(), [FULL], Cause.AT_ITS_LIMIT, "16 of at most 16"),
    "all but full": (job(), queue(), [environment(used=13)], Cause.AT_ITS_LIMIT, "13 of at most 16"),
    "room beside a full one": (job(), queue(), [FULL, environment("od", most=4)], Cause.WAITS_FOR_MACHINE, "od has 0"),
    "room": (job(), queue(), [environment(used=12)], Cause.WAITS_FOR_MACHINE, "12 of at most 16"),
    "of an earlier attempt": (job(statusReason="Host EC2 (i-1) terminated"), queue(), [FULL], Cause.AT_ITS_LIMIT, "16"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_job_of_batch_is_explained_by_what_batch_says(name: str):
    waiting, its_queue, environments, cause, said = CASES[name]
    why = explain_batch(waiting, its_queue, environments)
    assert (why.cause, said in why.detail) == (cause, True), why
    assert bool(why.remedy) or not why.needs_a_person, "who has to act is told how"


def test_a_remedy_names_the_queue_or_environment_that_is_switched_off():
    assert "--job-queue video --state ENABLED" in explain_batch(job(), queue(state="DISABLED"), []).remedy
    remedy = explain_batch(job(), queue(), [INVALID, DISABLED]).remedy
    assert remedy == "aws batch update-compute-environment --compute-environment spot --state ENABLED"


def test_machines_have_the_sizes_of_the_table_of_prices():
    for name, priced in INSTANCES.items():
        machine = machine_of(name)
        assert machine is not None
        assert (machine.vcpus, machine.memory_mib) == (priced.vcpus, priced.memory_gib * 1024)
        assert (machine.gpus > 0) == (priced.gpu is not None)
    assert [machine_of(name) for name in ("optimal", "c6i", "x9.large", "g5.metal")] == [None] * 4


@pytest.mark.parametrize(
    ("facts", "cause", "said"),
    [
        (LocalFacts(JobState.RUNNABLE, 1, running=2, slots=2), Cause.NO_FREE_SLOT, "2 of at most 2"),
        (LocalFacts(JobState.RUNNABLE, 1, running=1, slots=2), Cause.STARTING, "free place"),
        (
            LocalFacts(JobState.RUNNABLE, 2, running=0, slots=1, pause_s=7.6, last_reason="exit 75"),
            Cause.RETRY_PAUSE,
            "Attempt 2 begins in 8 s. The one before ended so: exit 75.",
        ),
        (LocalFacts(JobState.PENDING, 1, running=0, slots=1), Cause.AFTER_ANOTHER_JOB, "depends on"),
        (LocalFacts(JobState.RUNNING, 1, running=1, slots=1), Cause.BEGUN, "running"),
    ],
)
def test_a_job_of_this_machine_is_explained_by_its_places_and_pauses(facts: LocalFacts, cause: Cause, said: str):
    why = explain_local(facts)
    assert (why.cause, said in why.detail) == (cause, True), why
