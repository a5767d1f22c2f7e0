"""The queues that the catalog names, shared fairly between tenants, and what happens to a job that cannot start."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_batch as batch
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.compute import Compute
from cdk.environments import Environment
from pipeline.execution.catalog import QueueName

# How long a tenant's past work counts against it, and how much is kept free for tenants that come new, in percent.
SHARE_DECAY = Duration.hours(1)
RESERVED_PERCENT = 10

_REASONS = batch.JobStateTimeLimitActionsReason
# Neither of the last two mends itself, so a person is told soon; capacity comes back by itself.
LIMITS = {
    _REASONS.INSUFFICIENT_INSTANCE_CAPACITY: Duration.hours(12),
    _REASONS.COMPUTE_ENVIRONMENT_MAX_RESOURCE: Duration.minutes(10),
    _REASONS.JOB_RESOURCE_REQUIREMENT: Duration.minutes(10),
}


class Queues(Construct):
    """`by_name` has the catalog's names; in AWS they begin with the environment's prefix."""

    def __init__(self, scope: Construct, name: str, environment: Environment, *, compute: Compute) -> None:
        super().__init__(scope, name)
        self._prefix = environment.prefix
        # A job of the video queue goes to on-demand machines when Spot has none.
        self.by_name: Mapping[QueueName, batch.JobQueue] = {
            "video": self._queue("video", compute.gpu_spot, compute.gpu_on_demand),
            "small": self._queue("small", compute.cpu_spot),
        }

    def grant_submit(self, grantee: iam.IRole) -> None:
        """To these queues; which definitions may be submitted, `Definitions.grant_submit` says."""
        arns = [queue.job_queue_arn for queue in self.by_name.values()]
        iam.Grant.add_to_principal(grantee=grantee, actions=["batch:SubmitJob"], resource_arns=arns)

    def _queue(self, name: QueueName, *environments: batch.IManagedComputeEnvironment) -> batch.JobQueue:
        policy = batch.FairshareSchedulingPolicy(
            self,
            f"{name.title()}Shares",
            # Tenants are not listed: each has the weight of one.
            share_decay=SHARE_DECAY,
            compute_reservation=RESERVED_PERCENT,
        )
        return batch.JobQueue(
            self,
            name.title(),
            job_queue_name=f"{self._prefix}-{name}",
            scheduling_policy=policy,
            compute_environments=[
                batch.OrderedComputeEnvironment(compute_environment=environment, order=order)
                for order, environment in enumerate(environments, start=1)
            ],
            job_state_time_limit_actions=[
                batch.JobStateTimeLimitAction(
                    reason=reason,
                    max_time=limit,
                    state=batch.JobStateTimeLimitActionsState.RUNNABLE,
                    action=batch.JobStateTimeLimitActionsAction.CANCEL,
                )
                for reason, limit in LIMITS.items()
            ],
        )
