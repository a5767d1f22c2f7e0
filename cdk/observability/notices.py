"""Where alarms go: a topic that anything may subscribe to, and an e-mail address where one is given."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from cdk.environments import Environment

# Neither may publish to a topic that is encrypted with AWS' own key, whose policy cannot be changed.
PUBLISHERS = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com")


class Notices(Construct):
    """`topic` takes what CloudWatch and AWS Budgets of this account have to say."""

    def __init__(self, scope: Construct, name: str, environment: Environment) -> None:
        super().__init__(scope, name)
        key = kms.Key(self, "Key", description=f"{environment.prefix}: alarms on their way", enable_key_rotation=True)
        self.topic = sns.Topic(
            self,
            "Topic",
            topic_name=f"{environment.prefix}-alarms",
            display_name=f"Alarms of {environment.prefix}",
            master_key=key,
            enforce_ssl=True,
        )
        here = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        for publisher in PUBLISHERS:
            # To use the key, too.
            self.topic.grant_publish(iam.ServicePrincipal(publisher, conditions=here))
        if environment.alarm_email is not None:
            self.topic.add_subscription(subscriptions.EmailSubscription(environment.alarm_email))
