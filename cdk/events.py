"""News of jobs: EventBridge hands each change of state to a queue, which the consumer reads."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# The consumer's call may wait for Postgres and the object store; after this another may take the message.
VISIBLE_AGAIN_AFTER = Duration.minutes(2)
# A message that fails this often is for a person.
TRIES = 10
SOURCE, DETAIL_TYPE = "aws.batch", "Batch Job State Change"


class Events(Construct):
    """`queue` holds what happened; `dead_letters` what could not be worked on, or could not even be delivered."""

    def __init__(self, scope: Construct, name: str, *, prefix: str, queue_arns: Sequence[str]) -> None:
        super().__init__(scope, name)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=f"{prefix}-events-dead",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=f"{prefix}-events",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=VISIBLE_AGAIN_AFTER,
            retention_period=Duration.days(4),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=TRIES),
        )
        self.rule = events.Rule(
            self,
            "JobStateChange",
            rule_name=f"{prefix}-job-state-change",
            event_pattern=events.EventPattern(
                source=[SOURCE], detail_type=[DETAIL_TYPE], detail={"jobQueue": list(queue_arns)}
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters, retry_attempts=185)],
        )

    def grant_consume(self, grantee: iam.IGrantable) -> None:
        self.queue.grant_consume_messages(grantee)
