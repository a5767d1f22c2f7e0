"""The machines that jobs run on. None runs while nothing waits."""

from collections.abc import Sequence

from aws_cdk import Size
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.definitions import UID
from cdk.environments import Environment
from cdk.explaining import explain
from cdk.network import Network

# A source of up to 20 GiB, what is made of it, and the images.
DISK = Size.gibibytes(100)
AGENT_POLICY = "service-role/AmazonEC2ContainerServiceforEC2Role"
# Batch runs a job in the network of its machine, so a limit of hops to the machine's metadata, and with it to the role
# above, stops no job: the machine refuses its user. One that cannot does not live to take a job. The agent, which is
# root, goes on asking; it starts after this script, and needs iptables itself.
METADATA = "169.254.169.254"
KEEP_METADATA_FROM_JOBS = (
    f"iptables --insert OUTPUT --destination {METADATA} --match owner --uid-owner {UID} --jump REJECT"
    " || shutdown --poweroff now"
)


class Compute(Construct):
    """`gpu_spot` first, `gpu_on_demand` where Spot has no capacity; `cpu_spot` for answer sheets and small jobs."""

    def __init__(self, scope: Construct, name: str, environment: Environment, *, network: Network) -> None:
        super().__init__(scope, name)
        self._network = network
        self._machine = self._launch_template()
        self._role = iam.Role(
            self,
            "Machine",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(AGENT_POLICY)],
        )
        finding = f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{AGENT_POLICY}]"
        explain(self._role, {finding: "AWS keeps it for the agent of ECS, and changes it along with the agent."})
        gpu = batch.EcsMachineImageType.ECS_AL2023_NVIDIA
        self.gpu_spot = self._environment(
            "GpuSpot", environment.gpu_instance_types, image=gpu, vcpus=environment.vcpus.gpu_spot, spot=True
        )
        self.gpu_on_demand = self._environment(
            "GpuOnDemand", environment.gpu_instance_types, image=gpu, vcpus=environment.vcpus.gpu_on_demand, spot=False
        )
        self.cpu_spot = self._environment(
            "CpuSpot",
            environment.cpu_instance_types,
            image=batch.EcsMachineImageType.ECS_AL2023,
            vcpus=environment.vcpus.cpu_spot,
            spot=True,
        )

    def _environment(
        self, name: str, instance_types: Sequence[str], *, image: batch.EcsMachineImageType, vcpus: int, spot: bool
    ) -> batch.ManagedEc2EcsComputeEnvironment:
        strategies = batch.AllocationStrategy
        made = batch.ManagedEc2EcsComputeEnvironment(
            self,
            name,
            vpc=self._network.vpc,
            vpc_subnets=self._network.private,
            security_groups=[self._network.jobs],
            instance_types=[ec2.InstanceType(instance_type) for instance_type in instance_types],
            # Else Batch adds families of its own choice, which have no GPU.
            use_optimal_instance_classes=False,
            images=[batch.EcsMachineImage(image_type=image)],
            instance_role=self._role,
            launch_template=self._machine,
            minv_cpus=0,
            maxv_cpus=vcpus,
            spot=spot,
            allocation_strategy=strategies.SPOT_PRICE_CAPACITY_OPTIMIZED if spot else strategies.BEST_FIT_PROGRESSIVE,
            update_to_latest_image_version=True,
            replace_compute_environment=False,
        )
        resource = made.node.default_child
        assert isinstance(resource, batch.CfnComputeEnvironment), "an environment of our own"
        # Where none is named it is the default one: the first, whatever is deployed after it.
        version = "ComputeResources.LaunchTemplate.Version"
        resource.add_property_override(version, self._machine.latest_version_number)
        return made

    def _launch_template(self) -> ec2.LaunchTemplate:
        # In parts, since Batch adds its own; plain text, as in its guide.
        user_data = ec2.MultipartUserData()
        user_data.add_part(
            ec2.MultipartBody.from_raw_body(
                content_type='text/x-shellscript; charset="us-ascii"',
                body=f"#!/bin/bash\n{KEEP_METADATA_FROM_JOBS}\n",
            )
        )
        return ec2.LaunchTemplate(
            self,
            "Template",
            require_imdsv2=True,
            http_put_response_hop_limit=1,
            user_data=user_data,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(
                        int(DISK.to_gibibytes()), encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3
                    ),
                )
            ],
        )
