"""Why a job of AWS Batch waits: a pure function of what Batch says about it, its queue and its environments.

The causes and Batch's own words for them (`statusReason` of a RUNNABLE job at the head of its queue) are those of the
AWS Batch User Guide, "Jobs stuck in a RUNNABLE status". Batch says nothing of jobs further back and of disabled queues,
so the described facts are judged first, and in the order in which a job would come to them.
"""

from collections.abc import Sequence

from pipeline.execution.stuck.batch_facts import ComputeEnvironment, Queue, WaitingJob
from pipeline.execution.stuck.explanation import Cause, Explanation
from pipeline.execution.stuck.machines import Machine, machine_of

MISCONFIGURATION = "MISCONFIGURATION:"
CAPACITY = "CAPACITY:"
# What a person has to look at, though Batch cannot say what it is.
UNCLEAR = ("ACTION_REQUIRED", "UNDETERMINED")
# The two kinds of misconfiguration that are the job's size.
TOO_LARGE = (f"{MISCONFIGURATION}JOB_RESOURCE_REQUIREMENT", f"{MISCONFIGURATION}COMPUTE_ENVIRONMENT_MAX_RESOURCE")

_RAISE_LIMIT = (
    "Raise the environment's limit (cdk/environments.py), or ask for less in pipeline/execution/catalog.py,"
    " deploy, and resubmit the job."
)


def explain_batch(job: WaitingJob, queue: Queue | None, environments: Sequence[ComputeEnvironment]) -> Explanation:
    """`environments` are the queue's, in its order; `queue` is None where it is gone."""
    match job.status:
        case "SUBMITTED":
            return Explanation(Cause.BEING_ADMITTED, "AWS Batch has taken the job and not looked at it yet.")
        case "PENDING" if job.depends_on:
            others = ", ".join(said.job_id for said in job.depends_on if said.job_id)
            return Explanation(Cause.AFTER_ANOTHER_JOB, f"It begins when {others or 'its array'} has succeeded.")
        case "PENDING":
            return Explanation(Cause.BEING_ADMITTED, "AWS Batch is looking at what the job depends on.")
        case "STARTING":
            return Explanation(Cause.STARTING, "It has a machine, which fetches the job's image and starts it.")
        case "RUNNABLE":
            return _runnable(job, queue, environments)
        case _:
            return Explanation(Cause.BEGUN, f"AWS Batch says that it is {job.status}.")


def _runnable(job: WaitingJob, queue: Queue | None, environments: Sequence[ComputeEnvironment]) -> Explanation:
    closed = _closed(job, queue)
    if closed is not None:
        return closed
    open_ones = [environment for environment in environments if _problem(environment) is None]
    if not open_ones:
        return _nowhere(environments)
    reason = job.status_reason
    if reason.startswith(TOO_LARGE):
        return Explanation(Cause.ASKS_TOO_MUCH, _sentences(_asked(job), f"AWS Batch: {reason}"), _RAISE_LIMIT)
    refusals = [_misfit(job, environment) for environment in open_ones]
    if all(refusals):
        return Explanation(Cause.ASKS_TOO_MUCH, _sentences(_asked(job), *map(str, refusals)), _RAISE_LIMIT)
    if reason.startswith((MISCONFIGURATION, *UNCLEAR)):
        return Explanation(
            Cause.MISCONFIGURED,
            f"AWS Batch: {reason}",
            "Look at the compute environment's role, image, network and instance profile in the console of AWS Batch.",
        )
    # One environment of several that is out of order leaves jobs to the others, and a person wants to know why.
    beside = [_out_of_order(environment) for environment in environments if environment not in open_ones]
    if reason.startswith(CAPACITY):
        return Explanation(
            Cause.NO_CAPACITY,
            _sentences(f"AWS Batch: {reason}", *beside),
            "It goes on by itself when AWS has such machines again; more instance types make that sooner.",
        )
    fitting = [environment for environment, refusal in zip(open_ones, refusals, strict=True) if refusal is None]
    if all(_is_full(job, environment) for environment in fitting):
        return Explanation(
            Cause.AT_ITS_LIMIT,
            _sentences(*(_used(environment) for environment in fitting), *beside),
            "It goes on when a job before it has ended. A higher limit is a line of cdk/environments.py.",
        )
    return Explanation(
        Cause.WAITS_FOR_MACHINE,
        _sentences(
            "There is room: a machine is being started, which takes some minutes, it is another job's turn, or fair"
            " shares keep what is left for tenants that come new",
            *(_used(environment) for environment in fitting),
            *beside,
        ),
    )


def _closed(job: WaitingJob, queue: Queue | None) -> Explanation | None:
    if queue is None:
        return Explanation(
            Cause.QUEUE_CLOSED, f"The queue {_short(job.job_queue)} is gone.", "Deploy the stack, and resubmit the job."
        )
    name = queue.job_queue_name
    if queue.status not in ("VALID", "UPDATING", "CREATING"):
        said = f": {queue.status_reason}" if queue.status_reason else ""
        return Explanation(
            Cause.QUEUE_CLOSED,
            f"The queue {name} is {queue.status}{said}.",
            "Mend the queue, or deploy the stack again.",
        )
    if queue.state != "ENABLED":
        return Explanation(
            Cause.QUEUE_CLOSED,
            f"The queue {name} is {queue.state}: no job in it begins.",
            f"aws batch update-job-queue --job-queue {name} --state ENABLED",
        )
    return None


def _nowhere(environments: Sequence[ComputeEnvironment]) -> Explanation:
    if not environments:
        return Explanation(
            Cause.NO_ENVIRONMENT, "The queue has no compute environment that exists.", "Deploy the stack again."
        )
    off = [e.compute_environment_name for e in environments if e.state != "ENABLED" and e.status == "VALID"]
    remedy = (
        f"aws batch update-compute-environment --compute-environment {off[0]} --state ENABLED"
        if off
        else "Mend the first of them, as AWS Batch says why, or deploy the stack again."
    )
    return Explanation(Cause.NO_ENVIRONMENT, _sentences(*map(_out_of_order, environments)), remedy)


def _problem(environment: ComputeEnvironment) -> str | None:
    if environment.status not in ("VALID", "UPDATING"):
        return environment.status
    return environment.state if environment.state != "ENABLED" else None


def _out_of_order(environment: ComputeEnvironment) -> str:
    said = f" ({environment.status_reason})" if environment.status_reason else ""
    return f"The environment {environment.compute_environment_name} is {_problem(environment)}{said}"


def _misfit(job: WaitingJob, environment: ComputeEnvironment) -> str | None:
    """Why the job fits on no machine of the environment; None where it fits, or where that cannot be said."""
    resources, name = environment.compute_resources, environment.compute_environment_name
    vcpus, memory_mib, gpus = (job.container.asks(kind) for kind in ("VCPU", "MEMORY", "GPU"))
    if resources.max_vcpus is not None and vcpus > resources.max_vcpus:
        return f"{name} may have {resources.max_vcpus} vCPUs at most"
    machines = [machine_of(instance_type) for instance_type in resources.instance_types]
    known = [machine for machine in machines if machine is not None]
    if not known or len(known) < len(machines):
        return None
    # The system and the agent of ECS keep some of a machine's memory, so a job that asks for all of it fits on none.
    if any(m.vcpus >= vcpus and m.memory_mib > memory_mib and m.gpus >= gpus for m in known):
        return None
    return f"The largest machine of {name} is {_size(max(known, key=lambda m: (m.gpus, m.vcpus, m.memory_mib)))}"


def _is_full(job: WaitingJob, environment: ComputeEnvironment) -> bool:
    resources = environment.compute_resources
    return (
        resources.max_vcpus is not None and resources.desired_vcpus + job.container.asks("VCPU") > resources.max_vcpus
    )


def _used(environment: ComputeEnvironment) -> str:
    resources = environment.compute_resources
    if resources.max_vcpus is None:
        return f"{environment.compute_environment_name} has no limit"
    return (
        f"{environment.compute_environment_name} has {resources.desired_vcpus} of at most {resources.max_vcpus} vCPUs"
        " running or starting"
    )


def _asked(job: WaitingJob) -> str:
    asks = job.container.asks
    gpus = f", {asks('GPU')} GPU" if asks("GPU") else ""
    return f"It asks for {asks('VCPU')} vCPUs, {asks('MEMORY')} MiB{gpus}"


def _size(machine: Machine) -> str:
    gpus = f", {machine.gpus} GPU" if machine.gpus else ""
    return f"{machine.name} with {machine.vcpus} vCPUs, less than {machine.memory_mib} MiB{gpus}"


def _sentences(*parts: str) -> str:
    return " ".join(part if part.endswith((".", "!")) else f"{part}." for part in parts if part)


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
