"""How long logs are kept: days as CloudWatch knows them, and what outlives the stack."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

from cdk.environments import Environment

_RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def retention(days: int) -> logs.RetentionDays:
    """Raises `ValueError` for a number of days that CloudWatch does not offer."""
    if days not in _RETENTION:
        raise ValueError(f"log_days is {days}; there are {', '.join(map(str, _RETENTION))}")
    return _RETENTION[days]


def removal_of_log_group(environment: Environment) -> RemovalPolicy:
    """Where logs are kept, those of a deployment that failed are not: the next one needs the group's name."""
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if environment.is_kept else RemovalPolicy.DESTROY
