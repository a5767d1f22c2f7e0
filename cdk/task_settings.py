"""What tasks of the control plane are told: settings in the open, and secrets that ECS reads when a task starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_ecs as ecs

from cdk.cache import Cache
from cdk.database import Database
from cdk.environments import Environment
from cdk.network import API_PORT
from cdk.signing_secrets import SigningSecrets
from cdk.storage import KEY_ID, SECRET_KEY, Storage

# The name in the network's own DNS at which jobs find the control plane.
SERVICE_NAME = "control-plane"


@dataclass(frozen=True)
class TaskSettings:
    """Names are those of `pipeline.settings.Settings`, in capitals."""

    variables: Mapping[str, str]
    secrets: Mapping[str, ecs.Secret] = field(repr=False)

    def with_variables(self, **more: str) -> "TaskSettings":
        return TaskSettings({**self.variables, **more}, self.secrets)


def namespace_of(environment: Environment) -> str:
    return f"{environment.prefix}.internal"


def task_settings(
    environment: Environment,
    *,
    database: Database,
    cache: Cache,
    storage: Storage,
    signing: SigningSecrets,
    public_url: str,
) -> TaskSettings:
    """What the API and the consumer share. Postgres' password is not among it: `pipeline.database.pool` reads it."""
    address = storage.address
    variables = {
        "EXECUTOR": "aws",
        "BATCH_PREFIX": environment.prefix,
        "BATCH_LOG_GROUP": environment.job_log_group,
        # Events tell of nearly everything at once; this is a DescribeJobs for each hundred jobs that have not ended.
        "SWEEP_EVERY_S": "15",
        "METRICS_NAMESPACE": environment.metrics_namespace,
        "DATABASE_URL": database.url,
        "DATABASE_SECRET_ARN": database.secret.secret_arn,
        "S3_ENDPOINT_URL": address.endpoint_url,
        "S3_REGION": address.region,
        "S3_BUCKET": address.bucket_name,
        "PUBLIC_URL": public_url,
        "CONTROL_PLANE_URL": f"http://{SERVICE_NAME}.{namespace_of(environment)}:{API_PORT}",
    }
    secrets = {
        "REDIS_URL": ecs.Secret.from_secrets_manager(cache.url),
        "S3_ACCESS_KEY_ID": ecs.Secret.from_secrets_manager(address.key, KEY_ID),
        "S3_SECRET_ACCESS_KEY": ecs.Secret.from_secrets_manager(address.key, SECRET_KEY),
        "JOB_TOKEN_SECRET": ecs.Secret.from_secrets_manager(signing.jobs),
    }
    if signing.jwt is not None:
        secrets["JWT_SECRET"] = ecs.Secret.from_secrets_manager(signing.jwt)
    if environment.cdn_base_url is not None:
        variables["CDN_BASE_URL"] = environment.cdn_base_url
    if environment.jwt_jwks_url is not None:
        variables["JWT_JWKS_URL"] = environment.jwt_jwks_url
    if environment.jwt_audience is not None:
        variables["JWT_AUDIENCE"] = environment.jwt_audience
    return TaskSettings(variables, secrets)
