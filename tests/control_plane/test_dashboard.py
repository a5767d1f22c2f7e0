"""What a control plane and a job really write is what the stack's page and alarms really look at, and the reverse."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest

from pipeline.contracts.envelope import JobKind, Usage
from pipeline.metrics.catalog import METRICS
from pipeline.metrics.emf import EmfLines
from pipeline.metrics.usage import figures_of_usage
from tests.cdk.conftest import Synthesized, prod, variants
from tests.cdk.test_observability import NAMESPACE, all_lines, expressions_of, page
from tests.control_plane.omr.sheets import Desk, reading, refused
from tests.control_plane.plane import Plane
from tests.control_plane.test_metrics import USAGE, live_a_day

__all__ = ["prod", "variants"]

# What CloudWatch takes: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
# CloudWatch_Embedded_Metric_Format_Specification.html; and Docker breaks a longer line in two.
MOST_METRICS, MOST_DIMENSIONS, MOST_VALUES = 100, 30, 100
LINE_BYTES = 16 * 1024
GAUGES = {metric.name for metric in METRICS if metric.shape == "gauge"}


@dataclass(frozen=True)
class Series:
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @property
    def keys(self) -> tuple[str, frozenset[str]]:
        return self.name, frozenset(name for name, _ in self.dimensions)


def told(text: str) -> Iterator[Series]:
    """The series that CloudWatch makes of lines, by the words of its specification alone."""
    for line in text.splitlines():
        assert len(line.encode()) < LINE_BYTES
        said: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
        # Two weeks back and two hours ahead are taken; milliseconds.
        assert abs(said["_aws"]["Timestamp"] / 1000 - time.time()) < 600
        for directive in said["_aws"]["CloudWatchMetrics"]:
            assert len(directive["Metrics"]) <= MOST_METRICS
            for keys in directive["Dimensions"]:
                assert len(keys) <= MOST_DIMENSIONS
                dimensions = frozenset((key, said[key]) for key in keys)
                assert all(isinstance(value, str) and 0 < len(value) <= 1024 for _, value in dimensions)
                for metric in directive["Metrics"]:
                    values = said[metric["Name"]]
                    assert 0 < len(values) <= MOST_VALUES
                    assert all(math.isfinite(value) and value >= 0 for value in values), metric
                    yield Series(directive["Namespace"], metric["Name"], dimensions)


@pytest.fixture
def series(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> set[Series]:
    """Of a day on which each thing happened that has a metric, as control plane and jobs told it."""
    stream = StringIO()
    lines = EmfLines(NAMESPACE, emitter="control_plane", stream=stream)
    monkeypatch.setattr(plane.services.meter, "_meters", (lines,))
    live_a_day(plane)
    Desk(plane).read(refused("b.jpg"))
    Desk(plane).read(reading("c.jpg", marks="1-5"))
    lines.flush()
    job = EmfLines(NAMESPACE, emitter="job", stream=stream)
    for kind in JobKind:
        job.record(figures_of_usage(kind, Usage.model_validate(USAGE)))
    job.flush()
    return set(told(stream.getvalue()))


def test_the_page_and_the_alarms_look_at_what_is_told_and_nothing_told_goes_unseen(
    prod: Synthesized, series: set[Series]
) -> None:
    asked = {
        Series(line.namespace, line.name, frozenset(line.dimensions.items()))
        for line in all_lines(prod)
        if not line.namespace.startswith("AWS/")
    }
    searches = "".join(said for widget in page(prod) for said in expressions_of(widget) if "SEARCH" in said)
    searched = {
        one
        for one in series
        if f'"{one.namespace}",' in searches
        and f'MetricName="{one.name}"' in searches
        and all(key in searches for key in one.keys[1])
    }
    assert series - asked - searched == set(), "told, and nobody looks"
    assert {one for one in asked if one.name in GAUGES} == {one for one in series if one.name in GAUGES}
    assert {one.keys for one in asked | searched} == {one.keys for one in series}, "looked at, and nobody tells"
    # A query that names a unit finds nothing told in another one.
    assert '"unit"' not in json.dumps(page(prod))
    assert '"Unit"' not in json.dumps(prod.resources("AWS::CloudWatch::Alarm"))
