"""Valkey with TLS and two users: the control plane's, and the jobs', who may touch progress keys only."""

from dataclasses import dataclass

from aws_cdk import Fn, SecretValue
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.environments import Environment
from cdk.explaining import explain
from cdk.network import CACHE_PORT, Network
from pipeline.progress.keys import JOB_COMMANDS, JOB_KEY_PATTERNS

ENGINE = "valkey"
ENGINE_VERSION = "8.0"
CONTROL_PLANE_ACCESS = "on ~* &* +@all -@admin -@dangerous"
JOB_ACCESS = " ".join(
    ["on", *(f"~{pattern}" for pattern in JOB_KEY_PATTERNS), "-@all", *(f"+{command}" for command in JOB_COMMANDS)]
)
PASSWORD_CHARACTERS = 48


@dataclass(frozen=True)
class _User:
    password: secretsmanager.Secret
    resource: elasticache.CfnUser


class Cache(Construct):
    """`url` and `job_url` are secrets that hold whole addresses, as REDIS_URL wants them."""

    def __init__(self, scope: Construct, name: str, environment: Environment, *, network: Network) -> None:
        super().__init__(scope, name)
        control_plane = self._user("ControlPlane", f"{environment.prefix}-control-plane", CONTROL_PLANE_ACCESS)
        job = self._user("Job", f"{environment.prefix}-job", JOB_ACCESS)
        users = elasticache.CfnUserGroup(
            self,
            "Users",
            engine=ENGINE,
            user_group_id=f"{environment.prefix}-users",
            user_ids=[control_plane.resource.ref, job.resource.ref],
        )
        subnets = elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description="zones of the cache",
            subnet_ids=network.vpc.select_subnets(subnet_group_name="data").subnet_ids,
        )
        has_replica = environment.cache_nodes > 1
        self.group = elasticache.CfnReplicationGroup(
            self,
            "Group",
            replication_group_description=f"{environment.prefix}: status and progress, which may be lost",
            engine=ENGINE,
            engine_version=ENGINE_VERSION,
            cache_node_type=environment.cache_node,
            num_cache_clusters=environment.cache_nodes,
            automatic_failover_enabled=has_replica,
            multi_az_enabled=has_replica,
            port=CACHE_PORT,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            auto_minor_version_upgrade=True,
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[network.cache.security_group_id],
            user_group_ids=[users.ref],
        )
        explain(
            self.group,
            {
                "AEC5": "Its port says nothing that its security group would hide.",
                "AEC6": "Each user has a password of its own (ACL), which takes the place of the one AUTH token.",
            },
        )
        if not has_replica:
            explain(self.group, {"AEC4": "What it holds may be lost: dev takes one node."})
        self.url = self._address("Url", control_plane)
        self.job_url = self._address("JobUrl", job)

    def _user(self, name: str, user: str, access: str) -> _User:
        password = secretsmanager.Secret(
            self,
            f"{name}Password",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=PASSWORD_CHARACTERS
            ),
        )
        explain(
            password, {"SMG4": "ElastiCache's user and the address have to change with it: a deployment does that."}
        )
        resource = elasticache.CfnUser(
            self,
            f"{name}User",
            engine=ENGINE,
            user_id=user,
            user_name=user,
            access_string=access,
            authentication_mode={"Type": "password", "Passwords": [password.secret_value.unsafe_unwrap()]},
        )
        return _User(password, resource)

    def _address(self, name: str, user: _User) -> secretsmanager.Secret:
        # CloudFormation puts the password in when it makes the secret; the template holds a reference.
        parts = [
            "rediss://",
            user.resource.user_name,
            ":",
            user.password.secret_value.unsafe_unwrap(),
            "@",
            self.group.attr_primary_end_point_address,
            f":{CACHE_PORT}/0",
        ]
        secret = secretsmanager.Secret(
            self, name, secret_string_value=SecretValue.unsafe_plain_text(Fn.join("", parts))
        )
        explain(secret, {"SMG4": "It is put together from a password, and changes with it."})
        return secret
