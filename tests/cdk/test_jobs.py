"""Environments, queues and definitions: the template says what the catalog says."""

from collections.abc import Mapping
from email import message_from_string
from email.message import Message
from typing import Any, cast

import pytest
from aws_cdk.assertions import Match, Template

from cdk.environments import PROD
from pipeline.contracts.envelope import JobKind
from pipeline.execution.catalog import CATALOG
from tests.cdk.conftest import Synthesized

ENVIRONMENT, QUEUE = "AWS::Batch::ComputeEnvironment", "AWS::Batch::JobQueue"
DEFINITION, POLICY = "AWS::Batch::JobDefinition", "AWS::Batch::SchedulingPolicy"
TEMPLATE, LOG_GROUP = "AWS::EC2::LaunchTemplate", "AWS::Logs::LogGroup"


def definition_of(prod: Synthesized, kind: JobKind) -> dict[str, Any]:
    (found,) = (
        properties
        for properties in prod.resources(DEFINITION).values()
        if properties["JobDefinitionName"] == f"academy-prod-{kind.value}"
    )
    return found


def test_gpu_machines_are_spot_first_have_nvenc_and_none_runs_while_nothing_waits(template: Template):
    template.has_resource_properties(
        ENVIRONMENT,
        {
            "Type": "managed",
            "ComputeResources": Match.object_like(
                {
                    "Type": "SPOT",
                    "AllocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
                    "MinvCpus": 0,
                    "MaxvCpus": PROD.vcpus.gpu_spot,
                    "InstanceTypes": ["g4dn.xlarge", "g5.xlarge", "g6.xlarge"],
                    "Ec2Configuration": [{"ImageType": "ECS_AL2023_NVIDIA"}],
                }
            ),
        },
    )
    template.has_resource_properties(
        ENVIRONMENT,
        {
            "ComputeResources": Match.object_like(
                {
                    "Type": "EC2",
                    "AllocationStrategy": "BEST_FIT_PROGRESSIVE",
                    "MinvCpus": 0,
                    "MaxvCpus": PROD.vcpus.gpu_on_demand,
                    "InstanceTypes": ["g4dn.xlarge", "g5.xlarge", "g6.xlarge"],
                    "Ec2Configuration": [{"ImageType": "ECS_AL2023_NVIDIA"}],
                }
            )
        },
    )
    template.has_resource_properties(
        ENVIRONMENT,
        {
            "ComputeResources": Match.object_like(
                {
                    "Type": "SPOT",
                    "MinvCpus": 0,
                    "MaxvCpus": PROD.vcpus.cpu_spot,
                    "InstanceTypes": list(PROD.cpu_instance_types),
                    "Ec2Configuration": [{"ImageType": "ECS_AL2023"}],
                }
            )
        },
    )
    template.resource_count_is(ENVIRONMENT, 3)


def test_no_environment_lets_batch_choose_families_of_its_own(prod: Synthesized):
    for properties in prod.resources(ENVIRONMENT).values():
        assert "optimal" not in properties["ComputeResources"]["InstanceTypes"]


def script_of(user_data: dict[str, str]) -> str:
    """The one part of the archive, as cloud-init reads it."""
    (script,) = cast("list[Message]", message_from_string(user_data["Fn::Base64"]).get_payload())
    assert script.get_content_type() == "text/x-shellscript"
    return cast("bytes", script.get_payload(decode=True)).decode()


def test_a_job_cannot_ask_the_machine_for_its_role(prod: Synthesized):
    (template,) = prod.resources(TEMPLATE).values()
    data = template["LaunchTemplateData"]
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    # That is not enough: on EC2, Batch has no other network for a job than its machine's own.
    said = script_of(data["UserData"])
    user = definition_of(prod, JobKind.TRANSCODE)["ContainerProperties"]["User"].split(":")[0]
    assert f"--insert OUTPUT --destination 169.254.169.254 --match owner --uid-owner {user} --jump REJECT" in said
    assert said.startswith("#!/bin/bash\n")
    # A machine that cannot take no job.
    assert said.rstrip().endswith("|| shutdown --poweroff now")


def test_machines_are_started_from_the_template_that_was_deployed_last(prod: Synthesized):
    (template,) = prod.resources(TEMPLATE)
    for environment in prod.resources(ENVIRONMENT).values():
        assert environment["ComputeResources"]["LaunchTemplate"] == {
            "LaunchTemplateId": {"Ref": template},
            "Version": {"Fn::GetAtt": [template, "LatestVersionNumber"]},
        }


def test_the_video_queue_falls_back_to_on_demand_machines(prod: Synthesized):
    environments = prod.resources(ENVIRONMENT)
    queue = next(q for q in prod.resources(QUEUE).values() if q["JobQueueName"] == "academy-prod-video")
    order = sorted(queue["ComputeEnvironmentOrder"], key=lambda entry: entry["Order"])
    resources = [environments[entry["ComputeEnvironment"]["Fn::GetAtt"][0]]["ComputeResources"] for entry in order]
    assert [resource["Type"] for resource in resources] == ["SPOT", "EC2"]


def test_queues_are_shared_fairly_and_let_go_of_what_cannot_start(prod: Synthesized):
    queues = prod.resources(QUEUE)
    assert {q["JobQueueName"] for q in queues.values()} == {f"academy-prod-{p.queue}" for p in CATALOG.values()}
    for queue in queues.values():
        assert "Fn::GetAtt" in queue["SchedulingPolicyArn"]
        assert {(a["Reason"], a["State"], a["Action"]) for a in queue["JobStateTimeLimitActions"]} == {
            ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "RUNNABLE", "CANCEL"),
            ("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE", "RUNNABLE", "CANCEL"),
            ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "RUNNABLE", "CANCEL"),
        }
        assert all(600 <= a["MaxTimeSeconds"] <= 86_400 for a in queue["JobStateTimeLimitActions"])
    for policy in prod.resources(POLICY).values():
        assert policy["FairsharePolicy"] == {
            "ComputeReservation": 10,
            "ShareDecaySeconds": 3600,
            # Tenants are not listed: all weigh the same.
            "ShareDistribution": [],
        }


@pytest.mark.parametrize("kind", list(CATALOG))
def test_a_definition_is_its_line_of_the_catalog(prod: Synthesized, kind: JobKind):
    profile, said = CATALOG[kind], definition_of(prod, kind)
    container = said["ContainerProperties"]
    resources = {entry["Type"]: entry["Value"] for entry in container["ResourceRequirements"]}
    assert resources == {
        "VCPU": str(profile.vcpus),
        "MEMORY": str(profile.memory_mib),
        **({"GPU": str(profile.gpus)} if profile.gpus else {}),
    }
    assert container["Command"] == list(profile.command)
    assert said["Timeout"] == {"AttemptDurationSeconds": profile.timeout_s}
    assert said["RetryStrategy"]["Attempts"] == profile.attempts
    assert said["SchedulingPriority"] == profile.priority
    assert said["PropagateTags"] is True


def test_a_kind_runs_in_the_image_that_its_line_names(variants: Mapping[str, Synthesized]):
    for properties in variants["other"].resources(DEFINITION).values():
        (profile,) = (p for kind, p in CATALOG.items() if properties["JobDefinitionName"].endswith(f"-{kind.value}"))
        assert f"academy/{profile.image}:v1" in str(properties["ContainerProperties"]["Image"])


def test_retries_follow_the_catalogs_rules_in_their_order(prod: Synthesized):
    for kind, profile in CATALOG.items():
        expected = []
        for rule in profile.retry:
            said = {"Action": rule.action, "OnExitCode": rule.on_exit_code, "OnStatusReason": rule.on_status_reason}
            expected.append({name: value for name, value in said.items() if value is not None})
        rules = definition_of(prod, kind)["RetryStrategy"]["EvaluateOnExit"]
        assert [{**rule, "Action": rule["Action"].upper()} for rule in rules] == expected
        assert len(rules) <= 5, "AWS Batch takes no more"
        assert rules[-1]["Action"].upper() == "EXIT"


def test_a_gpu_kind_waits_in_a_queue_of_gpu_machines_only_and_fits_them(prod: Synthesized):
    # vCPUs and memory in MiB of the smallest machine of each queue, less what ECS keeps for itself.
    smallest = {"video": (4, 15_000), "small": (2, 3_500)}
    for kind, profile in CATALOG.items():
        vcpus, memory_mib = smallest[profile.queue]
        assert profile.vcpus <= vcpus
        assert profile.memory_mib <= memory_mib
        assert (profile.gpus > 0) == (profile.queue == "video")
        variables = definition_of(prod, kind)["ContainerProperties"]["Environment"]
        assert ({"Name": "ENCODER", "Value": "nvenc"} in variables) == (profile.gpus > 0)


@pytest.mark.parametrize("kind", list(CATALOG))
def test_a_container_writes_to_its_scratch_folder_only_and_is_nobody(prod: Synthesized, kind: JobKind):
    container = definition_of(prod, kind)["ContainerProperties"]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["User"] == "10001:10001"
    assert container["MountPoints"] == [{"ContainerPath": "/scratch", "SourceVolume": "scratch"}]
    assert container["Volumes"] == [{"Host": {}, "Name": "scratch"}]
    assert container["LinuxParameters"]["InitProcessEnabled"] is True
    assert [secret["Name"] for secret in container["Secrets"]] == ["REDIS_URL"]


def test_logs_of_jobs_go_to_one_group_and_do_not_stay_for_ever(template: Template, prod: Synthesized):
    template.has_resource_properties(
        LOG_GROUP, {"LogGroupName": "/academy-prod/jobs", "RetentionInDays": PROD.log_days}
    )
    assert all("RetentionInDays" in group for group in prod.resources(LOG_GROUP).values())


def test_logs_that_a_failed_first_deployment_leaves_are_in_nobodys_way(prod: Synthesized):
    groups = [group for group in prod.body["Resources"].values() if group["Type"] == LOG_GROUP]
    named = {g["Properties"]["LogGroupName"]: g["DeletionPolicy"] for g in groups if "LogGroupName" in g["Properties"]}
    # Where a group of that name stays, the next deployment cannot make it.
    assert named == {
        "/academy-prod/jobs": "RetainExceptOnCreate",
        "/academy-prod/control-plane": "RetainExceptOnCreate",
        "/aws/rds/instance/academy-prod/postgresql": "Delete",
    }
