"""Logs of AWS: tails that come in pages, and which stream is an attempt's."""

from typing import Any, cast

import pytest

from pipeline.execution.batch_reports import BatchJob
from pipeline.execution.cloudwatch_log import MOST_PAGES, read_tail


class Stream:
    """Stands where a client of CloudWatch Logs does; `pages` from the newest to the oldest, some of them short."""

    def __init__(self, *pages: list[str]) -> None:
        self._pages = pages
        self.limits: list[int] = []

    def get_log_events(self, *, limit: int, nextToken: str = "b/0", startFromHead: bool, **_: Any) -> Any:  # noqa: N803
        assert not startFromHead
        self.limits.append(limit)
        number = int(nextToken.removeprefix("b/"))
        lines = self._pages[number][-limit:] if number < len(self._pages) else []
        return {
            "events": [{"message": line} for line in lines],
            "nextBackwardToken": f"b/{min(number + 1, len(self._pages))}",
        }


def tail(stream: Stream, lines: int) -> list[str]:
    return read_tail(cast("Any", stream), group="g", stream="s", lines=lines)


@pytest.mark.parametrize(("lines", "expected"), [(1, ["e"]), (3, ["c", "d", "e"]), (9, ["a", "b", "c", "d", "e"])])
def test_a_tail_is_put_together_from_pages_that_are_short_or_empty(lines: int, expected: list[str]):
    assert tail(Stream([], ["d", "e"], [], ["a", "b", "c"]), lines) == expected


def test_no_more_is_asked_for_than_is_missing_and_no_stream_is_paged_through_without_end():
    stream = Stream(["d", "e"], ["a", "b", "c"])
    tail(stream, 3)
    assert stream.limits == [3, 1]
    endless = Stream(*[[] for _ in range(10 * MOST_PAGES)])
    assert tail(endless, 5) == []
    assert len(endless.limits) == MOST_PAGES


def test_the_log_of_an_attempt_is_never_told_as_the_next_ones():
    """As DescribeJobs says it of a job whose second attempt waits for a machine, and then runs."""
    first = {"container": {"logStreamName": "stream-1"}, "startedAt": 1, "stoppedAt": 2}
    said = {"jobId": "j", "jobName": "n", "status": "RUNNABLE", "createdAt": 0, "attempts": [first]}
    waits = BatchJob.model_validate({**said, "container": {"logStreamName": "stream-1"}})
    runs = BatchJob.model_validate({**said, "status": "RUNNING", "container": {"logStreamName": "stream-2"}})
    assert [waits.log_stream(attempt) for attempt in (0, 1, 2, 3)] == [None, "stream-1", None, None]
    assert [runs.log_stream(attempt) for attempt in (1, 2, 3)] == ["stream-1", "stream-2", None]
