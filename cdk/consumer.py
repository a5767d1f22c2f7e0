"""The reader of Batch's events, a task of its own: a flood of events takes nothing from the API."""

from aws_cdk import aws_ecs as ecs
from constructs import Construct

from cdk.cluster import Cluster
from cdk.connections import CONSUMER_POOL, CONSUMER_TASKS
from cdk.events import Events
from cdk.network import Network
from cdk.task_settings import TaskSettings

VCPUS = 0.25
MEMORY_MIB = 1024


class Consumer(Construct):
    """Its task role may read the events' queue; the stack grants the rest."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        cluster: Cluster,
        network: Network,
        events: Events,
        settings: TaskSettings,
    ) -> None:
        super().__init__(scope, name)
        self.task = cluster.task(self, vcpus=VCPUS, memory_mib=MEMORY_MIB)
        cluster.add(
            self.task,
            "consumer",
            settings.with_variables(
                DATABASE_POOL_SIZE=str(CONSUMER_POOL), BATCH_EVENTS_QUEUE_URL=events.queue.queue_url
            ),
            module="control_plane.events",
        )
        events.grant_consume(self.task.task_role)
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster.cluster,
            task_definition=self.task,
            desired_count=CONSUMER_TASKS,
            # Never two at once: the queue keeps what happens in the minute between them.
            min_healthy_percent=0,
            max_healthy_percent=100,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            vpc_subnets=network.private,
            security_groups=[network.services],
        )
        cluster.wait_for_start(self.service, self.task)
