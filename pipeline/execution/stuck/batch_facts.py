"""What AWS Batch says of a job that waits, of its queue, and of the compute environments behind that."""

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Said(BaseModel):
    """AWS adds fields as it likes; what we do not know we do not read."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=AliasGenerator(to_camel), populate_by_name=True
    )


class Requirement(_Said):
    type: str
    value: str


class Container(_Said):
    resource_requirements: tuple[Requirement, ...] = ()

    def asks(self, kind: str) -> int:
        """VCPU, MEMORY (MiB) or GPU; 0 where nothing is said."""
        return sum(int(float(said.value)) for said in self.resource_requirements if said.type == kind)


class Dependency(_Said):
    job_id: str | None = None


class WaitingJob(_Said):
    """A job of DescribeJobs. `job_queue` is the queue's ARN."""

    job_id: str
    job_queue: str
    status: str
    status_reason: str = ""
    depends_on: tuple[Dependency, ...] = ()
    container: Container = Container()


class EnvironmentOrder(_Said):
    order: int
    compute_environment: str


class Queue(_Said):
    """A queue of DescribeJobQueues. `state` is ENABLED or DISABLED, `status` VALID, INVALID or on the way to them."""

    job_queue_name: str
    job_queue_arn: str
    state: str
    status: str = "VALID"
    status_reason: str = ""
    compute_environment_order: tuple[EnvironmentOrder, ...] = ()

    @property
    def environment_arns(self) -> list[str]:
        return [said.compute_environment for said in sorted(self.compute_environment_order, key=lambda s: s.order)]


class ComputeResources(_Said):
    """`desired_vcpus` run or are being started; Batch never goes above `max_vcpus`."""

    max_vcpus: int | None = Field(None, alias="maxvCpus")
    desired_vcpus: int = Field(0, alias="desiredvCpus")
    instance_types: tuple[str, ...] = ()


class ComputeEnvironment(_Said):
    """An environment of DescribeComputeEnvironments, with states and statuses like a queue's."""

    compute_environment_name: str
    compute_environment_arn: str
    state: str = "ENABLED"
    status: str = "VALID"
    status_reason: str = ""
    compute_resources: ComputeResources = ComputeResources(maxvCpus=None, desiredvCpus=0)
