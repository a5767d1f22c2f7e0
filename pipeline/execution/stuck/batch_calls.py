"""Ask AWS Batch what it takes to explain why jobs wait: three calls for a hundred jobs, however many queues."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.errors import Unavailable
from pipeline.execution.stuck.batch_facts import ComputeEnvironment, Queue, WaitingJob
from pipeline.execution.stuck.batch_rules import explain_batch
from pipeline.execution.stuck.explanation import Explanation

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

# Quota of AWS Batch: names or ids of a Describe call.
DESCRIBED_AT_ONCE = 100

SaidT = TypeVar("SaidT", bound=BaseModel)
Answering = Callable[[str], AbstractContextManager[None]]


def explain_jobs(batch: "BatchClient", handles: Sequence[str], *, answering: Answering) -> dict[str, Explanation]:
    """By handle; one that Batch does not know is left out. `answering` turns the errors of a named call into ours."""
    jobs: list[WaitingJob] = []
    for ids in _in_turns(handles):
        with answering("DescribeJobs"):
            jobs += _read("DescribeJobs", WaitingJob, batch.describe_jobs(jobs=ids)["jobs"])
    queues: list[Queue] = []
    for names in _in_turns(sorted({job.job_queue for job in jobs if job.status == "RUNNABLE"})):
        with answering("DescribeJobQueues"):
            queues += _read("DescribeJobQueues", Queue, batch.describe_job_queues(jobQueues=names)["jobQueues"])
    environments: list[ComputeEnvironment] = []
    for names in _in_turns(sorted({arn for queue in queues for arn in queue.environment_arns})):
        with answering("DescribeComputeEnvironments"):
            reply = batch.describe_compute_environments(computeEnvironments=names)
            environments += _read("DescribeComputeEnvironments", ComputeEnvironment, reply["computeEnvironments"])
    by_arn = {environment.compute_environment_arn: environment for environment in environments}
    queue_of = {queue.job_queue_arn: queue for queue in queues}
    explained = {}
    for job in jobs:
        queue = queue_of.get(job.job_queue)
        behind = [by_arn[arn] for arn in queue.environment_arns if arn in by_arn] if queue is not None else []
        explained[job.job_id] = explain_batch(job, queue, behind)
    return explained


def _in_turns(names: Sequence[str]) -> Iterator[list[str]]:
    for first in range(0, len(names), DESCRIBED_AT_ONCE):
        yield list(names[first : first + DESCRIBED_AT_ONCE])


def _read(call: str, kind: type[SaidT], said: Sequence[Any]) -> list[SaidT]:
    try:
        return [kind.model_validate(one) for one in said]
    except ValidationError as error:
        raise Unavailable("executor_unreadable", f"{call}: {error}") from error
