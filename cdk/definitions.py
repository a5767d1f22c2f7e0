"""A job definition for each line of the catalog, and the two roles of a job: the one that runs it may do nothing."""

from collections.abc import Mapping

from aws_cdk import Aws, Duration, Size
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.environments import Environment
from cdk.explaining import explain
from cdk.images import Images
from cdk.log_groups import removal_of_log_group, retention
from pipeline.contracts.envelope import JobKind
from pipeline.execution.catalog import CATALOG, Profile, RetryRule

SCRATCH = "/scratch"
# The user of containers/*/Dockerfile.
UID = 10001
USER = f"{UID}:{UID}"


class Definitions(Construct):
    """`by_kind` has the catalog's kinds; in AWS their names begin with the environment's prefix."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        environment: Environment,
        *,
        images: Images,
        job_cache_url: secretsmanager.ISecret,
    ) -> None:
        super().__init__(scope, name)
        self._prefix = environment.prefix
        self._metrics_namespace = environment.metrics_namespace
        self._images = images
        self._cache_url = job_cache_url
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=environment.job_log_group,
            retention=retention(environment.log_days),
            removal_policy=removal_of_log_group(environment),
        )
        tasks = iam.ServicePrincipal("ecs-tasks.amazonaws.com")
        # A hostile upload may take over a decoder: whoever holds this role holds nothing. Sources are read and outputs
        # written by presigned URLs.
        self.job_role = iam.Role(self, "JobRole", assumed_by=tasks, description="A running job: no rights at all")
        # Used by the agent before the job begins, and never handed to it.
        self.start_role = iam.Role(self, "StartRole", assumed_by=tasks, description="Fetches a job's image and secret")
        self.by_kind: Mapping[JobKind, batch.EcsJobDefinition] = {
            kind: self._definition(kind, profile) for kind, profile in CATALOG.items()
        }
        explain(
            self.start_role,
            {"IAM5[Resource::*]": "ecr:GetAuthorizationToken knows no resources."},
        )

    def grant_submit(self, grantee: iam.IRole) -> None:
        """To submit jobs of these definitions, in any revision, to look for, describe and end jobs, and to see
        why one waits.
        """
        arn = f"arn:{Aws.PARTITION}:batch:{Aws.REGION}:{Aws.ACCOUNT_ID}"
        names = [f"{self._prefix}-{kind.value}" for kind in self.by_kind]
        definitions = [f"{arn}:job-definition/{name}{suffix}" for name in names for suffix in ("", ":*")]
        jobs = f"{arn}:job/*"
        iam.Grant.add_to_principal(grantee=grantee, actions=["batch:SubmitJob"], resource_arns=definitions)
        iam.Grant.add_to_principal(
            grantee=grantee, actions=["batch:TerminateJob", "batch:TagResource"], resource_arns=[jobs]
        )
        # These know no resources. The last two are for telling why a job waits.
        looks = ["DescribeJobs", "ListJobs", "DescribeJobQueues", "DescribeComputeEnvironments"]
        iam.Grant.add_to_principal(grantee=grantee, actions=[f"batch:{look}" for look in looks], resource_arns=["*"])
        said = "arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>"
        explain(
            grantee,
            {
                "IAM5[Resource::*]": "batch:ListJobs and batch:Describe… know no resources.",
                f"IAM5[Resource::{said}:job/*]": "A job's id is known when it runs, not when this is written.",
                **{
                    f"IAM5[Resource::{said}:job-definition/{name}:*]": "Any revision: each deployment makes one."
                    for name in names
                },
            },
        )

    def grant_read_logs(self, grantee: iam.IRole) -> None:
        self.log_group.grant_read(grantee)

    def _definition(self, kind: JobKind, profile: Profile) -> batch.EcsJobDefinition:
        name = kind.value.title().replace("_", "")
        container = batch.EcsEc2ContainerDefinition(
            self,
            f"{name}Container",
            image=self._images.jobs[profile.image],
            command=list(profile.command),
            cpu=profile.vcpus,
            memory=Size.mebibytes(profile.memory_mib),
            gpu=profile.gpus or None,
            environment={**_variables(profile), "METRICS_NAMESPACE": self._metrics_namespace},
            secrets={"REDIS_URL": batch.Secret.from_secrets_manager(self._cache_url)},
            job_role=self.job_role,
            execution_role=self.start_role,
            user=USER,
            readonly_root_filesystem=True,
            volumes=[batch.EcsVolume.host(name="scratch", container_path=SCRATCH)],
            # A process of init passes SIGTERM on and takes care of orphans.
            linux_parameters=batch.LinuxParameters(self, f"{name}Linux", init_process_enabled=True),
            logging=ecs.LogDriver.aws_logs(stream_prefix=kind.value, log_group=self.log_group),
        )
        return batch.EcsJobDefinition(
            self,
            name,
            job_definition_name=f"{self._prefix}-{kind.value}",
            container=container,
            propagate_tags=True,
            retry_attempts=profile.attempts,
            retry_strategies=[_strategy(rule) for rule in profile.retry],
            scheduling_priority=profile.priority,
            timeout=Duration.seconds(profile.timeout_s),
            # An older revision may be what a job that waits was submitted with.
            skip_deregister_on_update=True,
        )


def _variables(profile: Profile) -> dict[str, str]:
    variables = {"JOB_SCRATCH": SCRATCH}
    if profile.gpus:
        # A job that finds no NVENC here says so, instead of burning a GPU's hours on a CPU.
        variables["ENCODER"] = "nvenc"
    return variables


def _strategy(rule: RetryRule) -> batch.RetryStrategy:
    action = batch.Action.RETRY if rule.action == "RETRY" else batch.Action.EXIT
    return batch.RetryStrategy(
        action,
        batch.Reason.custom(on_exit_code=rule.on_exit_code, on_status_reason=rule.on_status_reason),
    )
