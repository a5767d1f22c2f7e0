"""The end of a stream of CloudWatch Logs, which comes in pages."""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

# A page holds 1 MB at most, and may hold less, or nothing, with more behind it (API reference of GetLogEvents): so many
# are asked for one tail, and what they have is given.
MOST_PAGES: Final = 20


def read_tail(logs: "CloudWatchLogsClient", *, group: str, stream: str, lines: int) -> list[str]:
    """The last `lines` of a stream, or all that it has, in the order in which they were written."""
    tail: list[str] = []
    token: str | None = None
    for _ in range(MOST_PAGES):
        behind: dict[str, Any] = {} if token is None else {"nextToken": token}
        page = logs.get_log_events(
            logGroupName=group, logStreamName=stream, limit=lines - len(tail), startFromHead=False, **behind
        )
        tail[:0] = [event["message"] for event in page["events"]]
        # The stream begins where a token leads to itself.
        if len(tail) >= lines or page["nextBackwardToken"] == token:
            break
        token = page["nextBackwardToken"]
    return tail[-lines:]
