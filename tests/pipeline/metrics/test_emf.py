"""Lines that CloudWatch takes metrics from: whole, with every value in them once, and of one emitter only."""

import json
from io import StringIO
from typing import Any

import pytest

from pipeline.metrics.catalog import API_SECONDS, CPU_SECONDS, JOBS_ENDED, METRICS, SILENT_JOBS
from pipeline.metrics.emf import EmfLines
from pipeline.metrics.metric import Measurement


def written(*measurements: Measurement) -> list[dict[str, Any]]:
    stream = StringIO()
    lines = EmfLines("academy-test", emitter="control_plane", stream=stream)
    lines.record(measurements)
    assert stream.getvalue() == "", "nothing is written before the flush"
    lines.flush()
    lines.flush()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_the_metrics_of_one_set_of_dimensions():
    ended = [JOBS_ENDED.of(1, kind="omr", result=result) for result in ("failed", "succeeded", "failed")]
    first, second, third = written(*ended, SILENT_JOBS.of(7))
    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "academy-test",
        "Dimensions": [["kind", "result"]],
        "Metrics": [{"Name": "academy_jobs_ended_total", "Unit": "Count"}],
    }
    assert (first["kind"], first["result"], first["academy_jobs_ended_total"]) == ("omr", "failed", [1.0, 1.0])
    assert (second["result"], second["academy_jobs_ended_total"]) == ("succeeded", [1.0])
    assert third["academy_silent_jobs"] == [7.0]
    assert third["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]


def test_many_values_are_spread_over_lines_of_less_than_a_hundred():
    values = [float(number) for number in range(250)]
    lines = written(*(API_SECONDS.of(value, caller="people") for value in values))
    assert [value for line in lines for value in line["academy_api_seconds"]] == values
    assert max(len(line["academy_api_seconds"]) for line in lines) < 100


def test_what_a_job_has_written_itself_is_not_written_again():
    assert written(CPU_SECONDS.of(3, kind="omr")) == []


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_takes_its_own_dimensions_and_has_a_unit_that_cloudwatch_knows(metric: Any):
    own = dict.fromkeys(metric.dimensions, "transcode")
    stream = StringIO()
    lines = EmfLines("academy-test", emitter=metric.emitter, stream=stream)
    lines.record([metric.of(1, **own)])
    lines.flush()
    assert json.loads(stream.getvalue())[metric.name] == [1.0]
    assert not set(metric.dimensions) & {"tenant", "tenant_id", "job", "job_id", "user_id", "handle"}
    with pytest.raises(ValueError, match=metric.name):
        metric.of(1, **own, tenant="hagwon-1")
