"""Postgres: small, kept, backed up. Its password is made and changed by RDS itself, and read at each connect."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.connections import MAX_CONNECTIONS
from cdk.environments import Environment
from cdk.explaining import explain
from cdk.log_groups import retention
from cdk.network import POSTGRES_PORT, Network

NAME = "academy"
USER = "academy"
ENGINE = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_18)


class Database(Construct):
    """`url` holds no password; `secret` does, as JSON with username and password. RDS changes it every week."""

    def __init__(self, scope: Construct, name: str, environment: Environment, *, network: Network) -> None:
        super().__init__(scope, name)
        parameters = rds.ParameterGroup(
            self,
            "Parameters",
            engine=ENGINE,
            parameters={
                "max_connections": str(MAX_CONNECTIONS),
                "rds.force_ssl": "1",
                # A migration that waits for a lock must not stop everybody behind it.
                "lock_timeout": "30000",
            },
        )
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=ENGINE,
            instance_identifier=environment.prefix,
            instance_type=ec2.InstanceType(environment.database_instance),
            credentials=rds.Credentials.from_username(USER),
            manage_master_user_password=True,
            database_name=NAME,
            port=POSTGRES_PORT,
            vpc=network.vpc,
            vpc_subnets=network.data,
            security_groups=[network.database],
            parameter_group=parameters,
            publicly_accessible=False,
            multi_az=environment.database_multi_az,
            storage_type=rds.StorageType.GP3,
            allocated_storage=20,
            max_allocated_storage=100,
            storage_encrypted=True,
            backup_retention=Duration.days(environment.database_backup_days),
            copy_tags_to_snapshot=True,
            # Without it a first deployment that fails can be taken back. Its last state is kept either way.
            deletion_protection=environment.is_kept,
            removal_policy=RemovalPolicy.SNAPSHOT,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=["postgresql"],
        )
        # RDS would make it, and keep it for ever.
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/rds/instance/{environment.prefix}/postgresql",
            retention=retention(environment.log_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.instance.node.add_dependency(log_group)
        explain(
            self.instance,
            {"RDS11": "Its port says nothing that its security group, which one other group may reach, would hide."},
        )
        if not environment.database_multi_az:
            explain(self.instance, {"RDS3": "A second machine is twice the price; dev comes back from its backups."})
        if not environment.is_kept:
            explain(self.instance, {"RDS10": "dev is taken down with its stack, which leaves a snapshot."})

    @property
    def url(self) -> str:
        address = self.instance.db_instance_endpoint_address
        return f"postgresql://{address}:{POSTGRES_PORT}/{NAME}?sslmode=require"

    @property
    def secret(self) -> secretsmanager.ISecret:
        assert self.instance.secret is not None, "RDS makes it"
        return self.instance.secret

    def grant_connect(self, grantee: iam.IGrantable) -> None:
        self.secret.grant_read(grantee)
