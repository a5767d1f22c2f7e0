"""The network: two zones, a public part for the load balancer, a private one for all that works, one for data."""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct, DependencyGroup

from cdk.environments import Environment
from cdk.log_groups import retention

ZONES = 2
POSTGRES_PORT = 5432
CACHE_PORT = 6379
API_PORT = 8100

# Reached without a NAT: images, logs, the agent of ECS that starts jobs, secrets, Batch and the queue of events.
_SERVICES = {
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Ecs": ec2.InterfaceVpcEndpointAwsService.ECS,
    "EcsAgent": ec2.InterfaceVpcEndpointAwsService.ECS_AGENT,
    "EcsTelemetry": ec2.InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
    "SecretsManager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Batch": ec2.InterfaceVpcEndpointAwsService.BATCH,
    "Sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
}


class Network(Construct):
    """Who may open a connection to whom is said here, once: `jobs` never reach the database.

    What runs in it waits for `ways_out`: without them no image is fetched.
    """

    def __init__(self, scope: Construct, name: str, environment: Environment) -> None:
        super().__init__(scope, name)
        uses_nat = environment.egress == "nat"
        zones = {"availability_zones": list(environment.zones)} if environment.zones else {"max_azs": ZONES}
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            **zones,
            nat_gateways=1 if uses_nat else 0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24),
                ec2.SubnetConfiguration(
                    name="private",
                    subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS if uses_nat else ec2.SubnetType.PRIVATE_ISOLATED,
                    cidr_mask=20,
                ),
                ec2.SubnetConfiguration(name="data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
        )
        # Bytes of videos go this way, for nothing.
        self._s3 = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        self.private = ec2.SubnetSelection(subnet_group_name="private")
        self.public = ec2.SubnetSelection(subnet_group_name="public")
        self.data = ec2.SubnetSelection(subnet_group_name="data")
        self._keep_refusals(environment)

        self.services = self._group("Services", "control plane and consumer")
        self.jobs = self._group("Jobs", "what jobs run on")
        self.database = self._group("Database", "Postgres", allow_all_outbound=False)
        self.cache = self._group("Cache", "Valkey", allow_all_outbound=False)
        self.database.add_ingress_rule(self.services, ec2.Port.tcp(POSTGRES_PORT), "control plane and consumer")
        self.cache.add_ingress_rule(self.services, ec2.Port.tcp(CACHE_PORT), "control plane and consumer")
        self.cache.add_ingress_rule(self.jobs, ec2.Port.tcp(CACHE_PORT), "progress of jobs")
        self.services.add_ingress_rule(self.jobs, ec2.Port.tcp(API_PORT), "jobs report")
        self.ways_out = DependencyGroup(self._s3)
        if uses_nat:
            self.ways_out.add(self.vpc.select_subnets(subnet_group_name="private").internet_connectivity_established)
        else:
            self._add_endpoints(environment)

    def close_other_buckets(self, bucket: s3.IBucket) -> None:
        """From here on S3 is this bucket, and what ECR keeps layers of images in; else a job could write to anybody's.

        Not where there is a NAT: past it lies the whole internet.
        """
        objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        layers = f"arn:{Aws.PARTITION}:s3:::prod-{Aws.REGION}-starport-layer-bucket/*"
        for actions, resource in (
            (objects, bucket.arn_for_objects("*")),
            (["s3:ListBucket"], bucket.bucket_arn),
            (["s3:GetObject"], layers),
        ):
            self._s3.add_to_policy(
                iam.PolicyStatement(principals=[iam.AnyPrincipal()], actions=actions, resources=[resource])
            )

    def _group(self, name: str, description: str, *, allow_all_outbound: bool = True) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self, name, vpc=self.vpc, description=description, allow_all_outbound=allow_all_outbound
        )

    def _keep_refusals(self, environment: Environment) -> None:
        group = logs.LogGroup(
            self, "Refusals", retention=retention(environment.log_days), removal_policy=RemovalPolicy.DESTROY
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )

    def _add_endpoints(self, environment: Environment) -> None:
        group = self._group("Endpoints", "AWS services that are reached without a NAT", allow_all_outbound=False)
        for peer in (self.services, self.jobs):
            group.add_ingress_rule(peer, ec2.Port.tcp(443), "calls of AWS services")
        subnets = self.vpc.select_subnets(subnet_group_name="private").subnets[: environment.endpoint_zones]
        for name, service in _SERVICES.items():
            self.ways_out.add(
                self.vpc.add_interface_endpoint(
                    name,
                    service=service,
                    open=False,
                    security_groups=[group],
                    subnets=ec2.SubnetSelection(subnets=subnets),
                )
            )
