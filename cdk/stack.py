"""The one stack: makes the constructs, hands them to each other, and grants what each may do."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import Environment as Place
from constructs import Construct

from cdk.cache import Cache
from cdk.cluster import Cluster
from cdk.compute import Compute
from cdk.connections import check_connections
from cdk.consumer import Consumer
from cdk.control_plane import ControlPlane
from cdk.database import Database
from cdk.definitions import Definitions
from cdk.environments import Environment
from cdk.events import Events
from cdk.images import Images
from cdk.load_balancer import LoadBalancer
from cdk.network import Network
from cdk.observability.alarms import Alarms
from cdk.observability.budget import Budget
from cdk.observability.dashboard import Dashboard
from cdk.observability.notices import Notices
from cdk.queues import Queues
from cdk.signing_secrets import SigningSecrets
from cdk.storage import Storage
from cdk.task_settings import task_settings


class AcademyStack(Stack):
    """Raises `ValueError` where more could connect to Postgres at once than is allowed."""

    def __init__(self, scope: Construct, name: str, environment: Environment) -> None:
        # No account: nothing is looked up, so the stack can be made anywhere. The region names the bucket's address.
        super().__init__(
            scope,
            name,
            env=Place(region=environment.region),
            description=f"Academy media pipeline, {environment.stage}",
            termination_protection=environment.is_kept,
        )
        check_connections(environment)
        self.network = Network(self, "Network", environment)
        self.storage = Storage(self, "Storage", environment)
        if self.storage.bucket is not None and environment.egress == "endpoints":
            self.network.close_other_buckets(self.storage.bucket)
        self.database = Database(self, "Database", environment, network=self.network)
        self.cache = Cache(self, "Cache", environment, network=self.network)
        self.signing = SigningSecrets(self, "Secrets", environment)
        self.images = Images(self, "Images", environment)
        self._jobs(environment)
        self._services(environment)
        self._observability(environment)
        self._outputs(environment)

    def _jobs(self, environment: Environment) -> None:
        self.compute = Compute(self, "Compute", environment, network=self.network)
        self.queues = Queues(self, "Queues", environment, compute=self.compute)
        self.definitions = Definitions(
            self, "Definitions", environment, images=self.images, job_cache_url=self.cache.job_url
        )
        self.events = Events(
            self,
            "Events",
            prefix=environment.prefix,
            queue_arns=[queue.job_queue_arn for queue in self.queues.by_name.values()],
        )

    def _services(self, environment: Environment) -> None:
        self.balancer = LoadBalancer(self, "LoadBalancer", environment, network=self.network, logs=self.storage.logs)
        self.cluster = Cluster(self, "Cluster", environment, network=self.network, images=self.images)
        settings = task_settings(
            environment,
            database=self.database,
            cache=self.cache,
            storage=self.storage,
            signing=self.signing,
            public_url=self.balancer.url,
        )
        self.control_plane = ControlPlane(
            self,
            "ControlPlane",
            environment,
            cluster=self.cluster,
            network=self.network,
            balancer=self.balancer,
            settings=settings,
        )
        self.consumer = Consumer(
            self, "Consumer", cluster=self.cluster, network=self.network, events=self.events, settings=settings
        )
        for task in (self.control_plane.task, self.consumer.task):
            self.database.grant_connect(task.task_role)
        plane = self.control_plane.task.task_role
        self.queues.grant_submit(plane)
        self.definitions.grant_submit(plane)
        self.definitions.grant_read_logs(plane)

    def _observability(self, environment: Environment) -> None:
        self.notices = Notices(self, "Notices", environment)
        self.budget = Budget(self, "Budget", environment, topic=self.notices.topic)
        self.alarms = Alarms(
            self,
            "Alarms",
            environment,
            topic=self.notices.topic,
            dead_letters=self.events.dead_letters,
            database=self.database.instance,
        )
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            environment,
            alarms=self.alarms.all,
            balancer=self.balancer,
            database=self.database,
            cache=self.cache,
            events=self.events,
        )

    def _outputs(self, environment: Environment) -> None:
        """What `academy configure --from-stack` reads: the names are fixed in `pipeline.execution.stack_outputs`."""
        outputs = {
            "ApiUrl": self.balancer.url,
            "Region": self.region,
            "BatchPrefix": environment.prefix,
            "BatchLogGroup": self.definitions.log_group.log_group_name,
            "VideoQueue": self.queues.by_name["video"].job_queue_name,
            "SmallQueue": self.queues.by_name["small"].job_queue_name,
            "EventsQueueUrl": self.events.queue.queue_url,
            "DeadLettersUrl": self.events.dead_letters.queue_url,
            "Bucket": self.storage.address.bucket_name,
            "DashboardUrl": self.dashboard.url,
        }
        if self.signing.jwt is not None:
            outputs["JwtSecretArn"] = self.signing.jwt.secret_arn
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
