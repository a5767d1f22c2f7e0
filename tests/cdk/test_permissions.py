"""Least privilege: who may do what, read from the policies of each role."""

from typing import Any

from tests.cdk.conftest import Synthesized


def actions_of(prod: Synthesized, role: str) -> set[str]:
    """All that the policies of the one role whose logical name begins so allow."""
    (name,) = (found for found in prod.resources("AWS::IAM::Role") if found.startswith(role))
    allowed: set[str] = set()
    for policy in prod.resources("AWS::IAM::Policy").values():
        if {"Ref": name} in policy.get("Roles", []):
            allowed |= {action for statement in statements(policy) for action in listed(statement["Action"])}
    return allowed


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_a_running_job_has_no_rights_at_all(prod: Synthesized):
    assert actions_of(prod, "DefinitionsJobRole") == set()
    (role,) = (r for name, r in prod.resources("AWS::IAM::Role").items() if name.startswith("DefinitionsJobRole"))
    assert "ManagedPolicyArns" not in role
    assert "Policies" not in role


def test_what_starts_a_job_may_fetch_images_and_one_secret_and_write_logs(prod: Synthesized):
    assert {action.split(":")[0] for action in actions_of(prod, "DefinitionsStartRole")} == {
        "ecr", "logs", "secretsmanager",
    }  # fmt: skip


def test_the_consumer_may_not_submit_or_end_jobs(prod: Synthesized):
    actions = actions_of(prod, "ConsumerTaskTaskRole")
    assert {action.split(":")[0] for action in actions} == {"sqs", "secretsmanager"}
    assert "sqs:SendMessage" not in actions


def test_the_control_plane_submits_to_our_queues_and_touches_no_bucket(prod: Synthesized):
    actions = actions_of(prod, "ControlPlaneTaskTaskRole")
    assert {action for action in actions if action.startswith("batch:")} == {
        "batch:SubmitJob", "batch:TerminateJob", "batch:TagResource", "batch:DescribeJobs", "batch:ListJobs",
        "batch:DescribeJobQueues", "batch:DescribeComputeEnvironments",
    }  # fmt: skip
    assert not {action for action in actions if action.startswith(("s3:", "rds:", "iam:", "sqs:"))}


def test_the_key_that_signs_urls_is_for_the_objects_of_one_bucket(prod: Synthesized):
    (policy,) = (policy for policy in prod.resources("AWS::IAM::Policy").values() if policy.get("Users"))
    allowed = {action for statement in statements(policy) for action in listed(statement["Action"])}
    assert allowed == {
        "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListBucket",
    }  # fmt: skip
    for statement in statements(policy):
        assert "StorageMedia" in str(statement["Resource"])


def test_no_policy_allows_every_action_of_a_service(prod: Synthesized):
    for policy in prod.resources("AWS::IAM::Policy").values():
        for statement in statements(policy):
            assert not [action for action in listed(statement["Action"]) if action.endswith("*")]
