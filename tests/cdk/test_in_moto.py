"""The part of the template that carries jobs is created in moto, and a job goes through the queue that it made."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from moto import mock_aws

from pipeline.contracts.envelope import JobKind
from pipeline.execution.aws_batch import BatchExecutor
from pipeline.execution.catalog import CATALOG
from pipeline.execution.executor import Submission
from tests.cdk.conftest import Synthesized

REGION = "ap-northeast-2"
CREATED = (
    "AWS::Batch::ComputeEnvironment",
    "AWS::Batch::JobDefinition",
    "AWS::Batch::JobQueue",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::Events::Rule",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
)
# The types that a job's way is made of: all of theirs must have been made.
ON_THE_WAY = ("AWS::Batch::", "AWS::SQS::Queue", "AWS::Events::Rule", "AWS::S3::Bucket")


@pytest.fixture(scope="module")
def created(prod: Synthesized) -> Iterator[str]:
    """The name of the stack."""
    with ExitStack() as stack:
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        stack.enter_context(mock_aws(config={"batch": {"use_docker": False}}))
        boto3.client("cloudformation", region_name=REGION).create_stack(
            StackName="academy-prod", TemplateBody=json.dumps(part_of(prod.body)), Capabilities=["CAPABILITY_IAM"]
        )
        yield "academy-prod"


def part_of(body: dict[str, Any]) -> dict[str, Any]:
    """The template less what moto does not know, and less the references to that."""
    kept = {name: resource for name, resource in body["Resources"].items() if resource["Type"] in CREATED}
    resources = {name: _without(resource, set(body["Resources"]) - set(kept)) for name, resource in kept.items()}
    role = next(name for name, resource in resources.items() if resource["Type"] == "AWS::IAM::Role")
    for resource in resources.values():
        if resource["Type"] == "AWS::Batch::ComputeEnvironment":
            # moto reads the type in capitals only, and knows no role that is linked to the service.
            resource["Properties"]["Type"] = resource["Properties"]["Type"].upper()
            resource["Properties"]["ServiceRole"] = {"Fn::GetAtt": [role, "Arn"]}
    return {"Resources": resources}


def _without(value: Any, gone: set[str]) -> Any:
    match value:
        case {"Ref": str(name)} if name in gone:
            return "gone"
        case {"Fn::GetAtt": [name, *_]} if name in gone:
            return "gone"
        case {"Fn::GetAtt": [name, "ComputeEnvironmentArn" | "JobQueueArn"]}:
            # The same in AWS, and known to moto.
            return {"Ref": name}
        case dict():
            return {key: _without(item, gone) for key, item in value.items() if key != "DependsOn"}
        case list():
            return [_without(item, gone) for item in value]
        case _:
            return value


def test_every_queue_definition_rule_and_bucket_was_made(prod: Synthesized, created: str):
    made = boto3.client("cloudformation", region_name=REGION).describe_stack_resources(StackName=created)
    names = {resource["LogicalResourceId"] for resource in made["StackResources"]}
    wanted = {
        name
        for name, resource in prod.body["Resources"].items()
        if resource["Type"] in CREATED and resource["Type"].startswith(ON_THE_WAY)
    }
    assert len(wanted) >= 3 + 2 + len(CATALOG) + 4
    assert wanted <= names


@pytest.mark.parametrize("kind", list(CATALOG))
def test_the_executor_finds_the_queue_and_the_definition_that_the_stack_made(created: str, kind: JobKind):
    batch, logs = boto3.client("batch", region_name=REGION), boto3.client("logs", region_name=REGION)
    executor = BatchExecutor(batch, logs, prefix=created, log_group=f"/{created}/jobs", catalog=CATALOG)
    handle = executor.submit(Submission(f"job-of-{kind.value}", kind, {"JOB_ID": "1"}, share="tenant-1"))
    assert executor.find(f"job-of-{kind.value}") == handle
    (job,) = batch.describe_jobs(jobs=[handle])["jobs"]
    assert f"job-queue/{created}-{CATALOG[kind].queue}" in job["jobQueue"]
    assert f"job-definition/{created}-{kind.value}:" in job["jobDefinition"]


def test_a_change_of_a_jobs_state_comes_to_the_queue_of_events(created: str):
    queue = f"https://sqs.{REGION}.amazonaws.com/123456789012/{created}-events"
    arn = f"arn:aws:batch:{REGION}:123456789012:job-queue"
    # Any: its entries are told as JSON.
    events: Any = boto3.client("events", region_name=REGION)
    change = {"Source": "aws.batch", "DetailType": "Batch Job State Change"}
    for job_queue in (f"{arn}/{created}-video", f"{arn}/somebody-elses"):
        detail = json.dumps({"jobQueue": job_queue})
        events.put_events(Entries=[{**change, "Detail": detail}])
    received = boto3.client("sqs", region_name=REGION).receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    assert [json.loads(message["Body"])["detail"]["jobQueue"] for message in received["Messages"]] == [
        f"{arn}/{created}-video"
    ]
