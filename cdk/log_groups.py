"""Days as CloudWatch knows them."""

from aws_cdk import aws_logs as logs

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
