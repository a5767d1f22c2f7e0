"""What the operator sees: a page that shows everything, alarms that somebody hears, and figures that code emits."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from cdk.environments import DEV, PROD
from cdk.observability.cost import share_of
from cdk.observability.jobs import RESULTS
from cdk.observability.servers import CALLERS
from pipeline.contracts import omr, transcode
from pipeline.contracts.envelope import JobKind
from pipeline.costs.prices import AS_OF, INSTANCES
from pipeline.execution.catalog import CATALOG
from pipeline.lifecycle.job_state import LIVE
from pipeline.metrics.catalog import METRICS
from tests.cdk.conftest import Synthesized
from tests.cdk.test_services import containers, variables_of

ALARM, TOPIC, KEY = "AWS::CloudWatch::Alarm", "AWS::SNS::Topic", "AWS::KMS::Key"
NAMESPACE = "academy-prod"
BY_NAME = {metric.name: metric for metric in METRICS}
# What dimensions may say; a step has to be one of its kind's.
VALUES: dict[str, set[str]] = {
    "kind": set(JobKind),
    "state": {state.value for state in LIVE},
    "result": {*RESULTS, "read"},
    "caller": set(CALLERS),
    "step": {step.name for step in (*transcode.STEPS, *omr.STEPS)},
}


@dataclass(frozen=True)
class Line:
    """One metric of a widget or an alarm."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


def body(variant: Synthesized) -> dict[str, Any]:
    (dashboard,) = variant.resources("AWS::CloudWatch::Dashboard").values()
    parts = dashboard["DashboardBody"]["Fn::Join"][1]
    said: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "?" for part in parts))
    return said


def page(variant: Synthesized) -> list[dict[str, Any]]:
    return [widget["properties"] for widget in body(variant)["widgets"]]


def lines_of(widget: Mapping[str, Any]) -> Iterator[Line]:
    for row in widget.get("metrics", []):
        words = [word for word in row if isinstance(word, str)]
        if words:
            yield Line(words[0], words[1], dict(zip(words[2::2], words[3::2], strict=True)))


def expressions_of(widget: Mapping[str, Any]) -> list[str]:
    return [word["expression"] for row in widget.get("metrics", []) for word in row if "expression" in word]


def lines_of_alarm(alarm: Mapping[str, Any]) -> Iterator[Line]:
    stats = [entry["MetricStat"]["Metric"] for entry in alarm.get("Metrics", []) if "MetricStat" in entry]
    for metric in stats or [alarm]:
        dimensions = {item["Name"]: item["Value"] for item in metric.get("Dimensions", [])}
        yield Line(metric["Namespace"], metric["MetricName"], dimensions)


def all_lines(variant: Synthesized) -> list[Line]:
    of_widgets = [line for widget in page(variant) for line in lines_of(widget)]
    return of_widgets + [line for alarm in variant.resources(ALARM).values() for line in lines_of_alarm(alarm)]


@pytest.mark.parametrize(
    ("title", "shows"),
    [
        ("Jobs by state and kind", "academy_jobs"),
        ("Queue age: the job that has waited longest", "academy_oldest_waiting_seconds"),
        ("transcode: time per step, p50", "academy_step_seconds"),
        ("transcode: time per step, p95", "academy_step_seconds"),
        ("omr: time per step, p50", "academy_step_seconds"),
        ("omr: time per step, p95", "academy_step_seconds"),
        ("Ladder real-time factor", "academy_real_time_factor"),
        ("Cost per source hour", "academy_attempt_seconds"),
        ("Spot reclaims", "academy_spot_reclaims_total"),
        ("Failures by reason", "academy_job_failures_total"),
        ("Answer sheets by hour", "academy_sheets_total"),
        ("Review share", "academy_sheets_to_review_total"),
        ("API latency", "academy_api_seconds"),
        ("API errors (5xx)", "academy_api_errors_total"),
        ("RDS connections", "DatabaseConnections"),
        ("Redis memory", "DatabaseMemoryUsagePercentage"),
    ],
)
def test_the_page_shows_it(prod: Synthesized, title: str, shows: str):
    (widget,) = (widget for widget in page(prod) if str(widget.get("title")).startswith(title))
    assert shows in {line.name for line in lines_of(widget)} or any(shows in said for said in expressions_of(widget))


def test_widgets_and_alarms_are_about_metrics_that_code_emits(prod: Synthesized):
    ours = [line for line in all_lines(prod) if not line.namespace.startswith("AWS/")]
    assert ours
    for line in ours:
        assert line.namespace == NAMESPACE
        assert set(line.dimensions) == set(BY_NAME[line.name].dimensions), line
        for name, value in line.dimensions.items():
            assert value in VALUES[name], line


def test_every_metric_is_shown(prod: Synthesized):
    searched = "".join(said for widget in page(prod) for said in expressions_of(widget))
    shown = {line.name for line in all_lines(prod)} | {name for name in BY_NAME if f'"{name}"' in searched}
    assert shown >= set(BY_NAME)


def test_a_search_names_the_dimensions_that_the_metric_has(prod: Synthesized):
    (widget,) = (widget for widget in page(prod) if widget.get("title") == "Failures by reason")
    (search,) = expressions_of(widget)
    dimensions = ",".join(BY_NAME["academy_job_failures_total"].dimensions)
    assert (
        search == f"SEARCH('{{\"{NAMESPACE}\",{dimensions}}} MetricName=\"academy_job_failures_total\"', 'Sum', 3600)"
    )


def test_everything_that_runs_is_told_the_namespace_that_is_looked_at(prod: Synthesized):
    for container in containers(prod).values():
        assert variables_of(container)["METRICS_NAMESPACE"] == NAMESPACE
        # Nothing scrapes there: without a token /metrics is not served.
        assert "METRICS_TOKEN" not in {entry["Name"] for entry in container["Secrets"]}
    definitions = prod.resources("AWS::Batch::JobDefinition").values()
    for definition in definitions:
        told = definition["ContainerProperties"]["Environment"]
        assert {"Name": "METRICS_NAMESPACE", "Value": NAMESPACE} in told


def test_a_source_hour_costs_the_price_of_the_machine_times_its_hours(prod: Synthesized):
    (widget,) = (widget for widget in page(prod) if str(widget.get("title")).startswith("Cost per source hour"))
    assert str(AS_OF) in widget["title"]
    # Half an hour of machines for two hours of video.
    costs = [eval(said, {"machine0": 1800.0, "source": 7200.0}) for said in expressions_of(widget)]
    spot = [INSTANCES[name].spot_usd_per_h / 4 for name in PROD.gpu_instance_types]
    assert costs == pytest.approx([*spot, INSTANCES["g5.xlarge"].on_demand_usd_per_h / 4])


@pytest.mark.parametrize(
    ("instance", "kind", "asks", "share"),
    [
        ("g4dn.xlarge", JobKind.TRANSCODE, {}, 1.0),
        ("g4dn.2xlarge", JobKind.TRANSCODE, {}, 1.0),
        ("c6i.xlarge", JobKind.OMR, {"vcpus": 1, "memory_mib": 1024}, 0.25),
        ("c6i.xlarge", JobKind.OMR, {"vcpus": 1, "memory_mib": 6144}, 0.75),
        ("c6i.large", JobKind.OMR, {"vcpus": 8}, 1.0),
    ],
    ids=["the only GPU", "the only GPU of a larger one", "its vCPUs", "its memory", "more than there is"],
)
def test_a_job_pays_for_what_no_other_job_can_have(instance: str, kind: JobKind, asks: Any, share: float):
    assert share_of(INSTANCES[instance], replace(CATALOG[kind], **asks)) == share


def test_graphs_keep_the_periods_that_their_titles_say_and_look_back_over_several_of_them(prod: Synthesized):
    said = body(prod)
    # CloudWatch's default, auto, puts a period of its own in the place of each.
    assert said["periodOverride"] == "inherit"
    for widget in page(prod):
        periods = [word["period"] for row in widget.get("metrics", []) for word in row if "period" in word]
        days = int(widget.get("start", said["start"]).removeprefix("-P").removesuffix("D"))
        assert all(days * 86_400 >= 7 * period for period in periods), widget["title"]


def test_every_machine_that_a_stack_takes_by_default_has_a_price():
    assert {*DEV.gpu_instance_types, *PROD.gpu_instance_types, *DEV.cpu_instance_types} <= set(INSTANCES)
    for instance in INSTANCES.values():
        assert 0 < instance.spot_usd_per_h < instance.on_demand_usd_per_h


@pytest.mark.parametrize(
    ("name", "metric", "threshold"),
    [
        ("oldest-waiting-transcode", "academy_oldest_waiting_seconds", "> 1800"),
        ("oldest-waiting-omr", "academy_oldest_waiting_seconds", "> 1800"),
        ("failure-rate", "academy_jobs_ended_total", "> 10"),
        ("dead-letters", "ApproximateNumberOfMessagesVisible", "> 0"),
        ("silent-jobs", "academy_silent_jobs", "> 0"),
        ("database-disk", "FreeStorageSpace", f"< {2 * 1024**3}"),
        ("job-disk-transcode", "academy_scratch_used_percent", "> 90"),
        ("job-disk-omr", "academy_scratch_used_percent", "> 90"),
    ],
)
def test_an_alarm_watches_it_and_tells_the_topic(prod: Synthesized, name: str, metric: str, threshold: str):
    (alarm,) = (a for a in prod.resources(ALARM).values() if a["AlarmName"] == f"academy-prod-{name}")
    assert {line.name for line in lines_of_alarm(alarm)} == {metric}
    sign = {"GreaterThanThreshold": ">", "LessThanThreshold": "<"}[alarm["ComparisonOperator"]]
    assert f"{sign} {alarm['Threshold']}" == threshold
    # A control plane that tells nothing at all is the worst silence; elsewhere nothing happens where nothing is told.
    assert alarm["TreatMissingData"] == ("breaching" if name == "silent-jobs" else "notBreaching")
    (topic,) = prod.resources(TOPIC)
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]


def test_the_failure_rate_is_ours_and_of_enough_jobs(prod: Synthesized):
    (alarm,) = (a for a in prod.resources(ALARM).values() if a["AlarmName"] == "academy-prod-failure-rate")
    assert {line.dimensions["result"] for line in lines_of_alarm(alarm)} == {"succeeded", "failed"}
    (said,) = (entry["Expression"] for entry in alarm["Metrics"] if "Expression" in entry)
    functions = {"IF": lambda when, then, other: then if when else other, "FILL": lambda value, _: value}

    def rate(failed: int, succeeded: int) -> float:
        counts = {"failed0": failed, "succeeded0": succeeded, "failed1": 0, "succeeded1": 0}
        return float(eval(said, {**functions, **counts}))

    assert rate(failed=1, succeeded=9) == 10.0
    assert rate(failed=3, succeeded=0) == 0.0, "three jobs are no rate"


def test_alarms_are_encrypted_by_a_key_that_their_senders_may_use(template: Template):
    senders = {"Service": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]}
    here = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    allowed = {"Effect": "Allow", "Principal": senders, "Condition": here}
    template.has_resource_properties(TOPIC, {"KmsMasterKeyId": Match.any_value()})
    for kind, key, action in (
        (KEY, "KeyPolicy", ["kms:Decrypt", "kms:GenerateDataKey*"]),
        ("AWS::SNS::TopicPolicy", "PolicyDocument", "sns:Publish"),
    ):
        statement = Match.object_like({**allowed, "Action": action})
        template.has_resource_properties(kind, {key: Match.object_like({"Statement": Match.array_with([statement])})})
    template.has_resource_properties(KEY, {"EnableKeyRotation": True})


def test_an_address_gets_the_alarms_where_one_is_given(variants: Mapping[str, Synthesized]):
    assert variants["prod"].resources("AWS::SNS::Subscription") == {}
    (subscription,) = variants["other"].resources("AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "operator@example.com")


@pytest.mark.parametrize(("variant", "amount"), [("dev", 300), ("prod", 1500)])
def test_a_budget_of_the_environments_amount_tells_the_topic(
    variants: Mapping[str, Synthesized], variant: str, amount: int
):
    (budget,) = variants[variant].resources("AWS::Budgets::Budget").values()
    assert budget["Budget"]["BudgetLimit"] == {"Amount": amount, "Unit": "USD"}
    assert budget["Budget"]["TimeUnit"] == "MONTHLY"
    (topic,) = variants[variant].resources(TOPIC)
    notices = budget["NotificationsWithSubscribers"]
    assert {(n["Notification"]["NotificationType"], n["Notification"]["Threshold"]) for n in notices} == {
        ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100),
    }  # fmt: skip
    for notice in notices:
        assert notice["Subscribers"] == [{"SubscriptionType": "SNS", "Address": {"Ref": topic}}]


def test_the_dashboards_address_is_an_output(prod: Synthesized):
    (dashboard,) = prod.resources("AWS::CloudWatch::Dashboard").values()
    said = "".join(
        part if isinstance(part, str) else "R" for part in prod.body["Outputs"]["DashboardUrl"]["Value"]["Fn::Join"][1]
    )
    name = dashboard["DashboardName"]
    assert said == f"https://R.console.aws.amazon.com/cloudwatch/home?region=R#dashboards:name={name}"
