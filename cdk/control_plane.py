"""The API and its loops, as a service of Fargate tasks that bring the schema up to date before they begin."""

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from cdk.cluster import Cluster
from cdk.connections import CONTROL_PLANE_POOL
from cdk.environments import Environment
from cdk.load_balancer import LoadBalancer
from cdk.network import API_PORT, Network
from cdk.task_settings import SERVICE_NAME, TaskSettings

VCPUS = 1.0
# The process, and a few probes of uploads at once, which are limited to 1 GiB each and rarely take a tenth of it.
MEMORY_MIB = 4096
SCALE_AT_CPU_PERCENT = 60


class ControlPlane(Construct):
    """Its task role begins with no rights; the stack grants them."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        environment: Environment,
        *,
        cluster: Cluster,
        network: Network,
        balancer: LoadBalancer,
        settings: TaskSettings,
    ) -> None:
        super().__init__(scope, name)
        self.task = cluster.task(self, vcpus=VCPUS, memory_mib=MEMORY_MIB)
        api_settings = settings.with_variables(DATABASE_POOL_SIZE=str(CONTROL_PLANE_POOL))
        migrate = cluster.add(self.task, "migrate", api_settings, module="pipeline.database.migrate", essential=False)
        api = cluster.add(
            self.task,
            "api",
            api_settings,
            module="control_plane",
            port=API_PORT,
            health_check=ecs.HealthCheck(
                command=["CMD", "python", "-m", "control_plane.health"],
                interval=Duration.seconds(15),
                timeout=Duration.seconds(5),
                retries=3,
                start_period=Duration.seconds(60),
            ),
        )
        self.task.default_container = api
        api.add_container_dependencies(
            ecs.ContainerDependency(container=migrate, condition=ecs.ContainerDependencyCondition.SUCCESS)
        )
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster.cluster,
            task_definition=self.task,
            desired_count=environment.tasks.least,
            min_healthy_percent=100,
            max_healthy_percent=environment.tasks.surge_percent,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            vpc_subnets=network.private,
            security_groups=[network.services],
            cloud_map_options=ecs.CloudMapOptions(
                name=SERVICE_NAME, cloud_map_namespace=cluster.namespace, dns_ttl=Duration.seconds(10)
            ),
            health_check_grace_period=Duration.seconds(90),
        )
        cluster.wait_for_start(self.service, self.task)
        tasks = environment.tasks
        if tasks.most > tasks.least:
            scaling = self.service.auto_scale_task_count(min_capacity=tasks.least, max_capacity=tasks.most)
            scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=SCALE_AT_CPU_PERCENT)
        balancer.listener.add_targets(
            "Api",
            port=API_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[self.service],
            deregistration_delay=Duration.seconds(30),
            # Not /readyz: without Postgres no new task would be any better.
            health_check=elb.HealthCheck(path="/healthz", interval=Duration.seconds(15), timeout=Duration.seconds(5)),
        )
