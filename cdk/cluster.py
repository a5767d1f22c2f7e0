"""Where the services run, and how a task of theirs is made."""

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from cdk.environments import Environment
from cdk.explaining import explain
from cdk.images import Images
from cdk.log_groups import removal_of_log_group, retention
from cdk.network import Network
from cdk.task_settings import TaskSettings, namespace_of

SCRATCH = "/scratch"
# Above the 25 s that requests get to end (`control_plane.__main__`) and the 20 s of the loops beside them.
STOP_WITHIN = Duration.seconds(60)


class Cluster(Construct):
    def __init__(
        self, scope: Construct, name: str, environment: Environment, *, network: Network, images: Images
    ) -> None:
        super().__init__(scope, name)
        self._images = images
        self._network = network
        self.cluster = ecs.Cluster(
            self, "Cluster", vpc=network.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self.namespace = servicediscovery.PrivateDnsNamespace(
            self, "Names", name=namespace_of(environment), vpc=network.vpc
        )
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/{environment.prefix}/control-plane",
            retention=retention(environment.log_days),
            removal_policy=removal_of_log_group(environment),
        )

    def task(self, scope: Construct, *, vcpus: float, memory_mib: int) -> ecs.FargateTaskDefinition:
        """An empty task with a scratch volume; `add` puts containers in."""
        task = ecs.FargateTaskDefinition(
            scope,
            "Task",
            cpu=round(1024 * vcpus),
            memory_limit_mib=memory_mib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            volumes=[ecs.Volume(name="scratch")],
        )
        explain(task.obtain_execution_role(), {"IAM5[Resource::*]": "ecr:GetAuthorizationToken knows no resources."})
        explain(task, {"ECS2": "What is said in the open is addresses and names; secrets come from Secrets Manager."})
        return task

    def add(
        self,
        task: ecs.FargateTaskDefinition,
        name: str,
        settings: TaskSettings,
        *,
        module: str,
        essential: bool = True,
        health_check: ecs.HealthCheck | None = None,
        port: int | None = None,
    ) -> ecs.ContainerDefinition:
        """A container that runs `python -m MODULE`, with a file system that it can write to /scratch of only."""
        container = task.add_container(
            name,
            container_name=name,
            image=self._images.control_plane,
            command=["python", "-m", module],
            environment=dict(settings.variables),
            secrets=dict(settings.secrets),
            essential=essential,
            health_check=health_check,
            readonly_root_filesystem=True,
            linux_parameters=ecs.LinuxParameters(task, f"{name}-linux", init_process_enabled=True),
            stop_timeout=STOP_WITHIN,
            port_mappings=None if port is None else [ecs.PortMapping(container_port=port, name=name)],
            logging=ecs.LogDriver.aws_logs(stream_prefix=name, log_group=self.log_group),
        )
        container.add_mount_points(ecs.MountPoint(container_path=SCRATCH, source_volume="scratch", read_only=False))
        return container

    def wait_for_start(self, service: ecs.FargateService, task: ecs.FargateTaskDefinition) -> None:
        """Let no task begin before it can fetch its image and its secrets: a few that fail end the deployment."""
        service.node.add_dependency(self._network.ways_out, task.obtain_execution_role())
