"""News of jobs come from our queues only, and what cannot be delivered or worked on is kept."""

from typing import Any

from aws_cdk.assertions import Match, Template

from tests.cdk.conftest import Synthesized

QUEUE = "AWS::SQS::Queue"


def queue_of(prod: Synthesized, name: str) -> dict[str, Any]:
    return next(queue for queue in prod.resources(QUEUE).values() if queue["QueueName"] == name)


def test_changes_of_state_of_both_queues_go_to_sqs(template: Template, prod: Synthesized):
    template.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": Match.object_like({"source": ["aws.batch"], "detail-type": ["Batch Job State Change"]}),
            "State": "ENABLED",
            "Targets": [Match.object_like({"DeadLetterConfig": Match.any_value()})],
        },
    )
    (rule,) = prod.resources("AWS::Events::Rule").values()
    assert len(rule["EventPattern"]["detail"]["jobQueue"]) == len(prod.resources("AWS::Batch::JobQueue"))


def test_a_message_that_fails_ten_times_is_kept_for_a_person(prod: Synthesized):
    assert queue_of(prod, "academy-prod-events")["RedrivePolicy"]["maxReceiveCount"] == 10
    dead = queue_of(prod, "academy-prod-events-dead")
    assert dead["MessageRetentionPeriod"] == 14 * 86_400


def test_both_queues_are_encrypted_and_take_tls_only(template: Template, prod: Synthesized):
    assert all(queue["SqsManagedSseEnabled"] is True for queue in prod.resources(QUEUE).values())
    refusal = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    template.has_resource_properties(
        "AWS::SQS::QueuePolicy",
        {"PolicyDocument": Match.object_like({"Statement": Match.array_with([Match.object_like(refusal)])})},
    )
