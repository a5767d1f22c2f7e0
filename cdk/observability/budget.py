"""A month's budget: who is told when it will not do."""

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk.environments import Environment

# (what is compared, percent of the amount)
STAGES = (("ACTUAL", 80), ("FORECASTED", 100), ("ACTUAL", 100))


class Budget(Construct):
    """Of the whole account: a filter by tag would count nothing, silently, until somebody has activated the tag."""

    def __init__(self, scope: Construct, name: str, environment: Environment, *, topic: sns.ITopic) -> None:
        super().__init__(scope, name)
        amount = budgets.CfnBudget.SpendProperty(amount=environment.monthly_budget_usd, unit="USD")
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
        self.budget = budgets.CfnBudget(
            self,
            "Monthly",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"{environment.prefix}-monthly",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=amount,
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in STAGES
            ],
        )
