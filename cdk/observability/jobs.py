"""Jobs: where they are, how long they wait, how fast they work, and why they fail."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

from cdk.observability.figures import HOUR, MINUTE, STEPS, Figures, graph
from pipeline.contracts.envelope import JobKind
from pipeline.lifecycle.job_state import LIVE, JobState
from pipeline.metrics.catalog import (
    ATTEMPT_SECONDS,
    CPU_SECONDS,
    JOB_FAILURES,
    JOBS,
    JOBS_ENDED,
    OLDEST_WAITING,
    PEAK_MEMORY,
    QUEUE_SECONDS,
    REAL_TIME_FACTOR,
    SCRATCH_USED,
    SPOT_RECLAIMS,
    STEP_SECONDS,
)
from pipeline.metrics.metric import Metric

RESULTS = ("succeeded", "refused", "failed", "cancelled")


def state_row(figures: Figures) -> list[cloudwatch.IWidget]:
    # Every process of the API tells the same rows, so that the largest of them is right and their sum is not.
    live = [
        figures.of(JOBS, "Maximum", period=MINUTE, label=f"{kind} {state}", kind=kind, state=state)
        for kind in JobKind
        for state in JobState
        if state in LIVE
    ]
    ended = [
        figures.of(JOBS_ENDED, "Sum", period=HOUR, label=f"{kind} {result}", kind=kind, result=result)
        for kind in JobKind
        for result in RESULTS
    ]
    return [
        graph("Jobs by state and kind", live, unit="jobs", width=12, stacked=True),
        graph("Jobs that ended, by hour", ended, unit="jobs", width=12, stacked=True),
    ]


def queue_row(figures: Figures, events: sqs.IQueue) -> list[cloudwatch.IWidget]:
    oldest = [figures.of(OLDEST_WAITING, "Maximum", period=MINUTE, label=kind, kind=kind) for kind in JobKind]
    waits = [figures.of(QUEUE_SECONDS, percentile, kind=kind) for kind in JobKind for percentile in ("p50", "p95")]
    news = events.metric_approximate_age_of_oldest_message(label="event of Batch", period=MINUTE)
    return [
        graph("Queue age: the job that has waited longest", oldest, unit="seconds"),
        graph("Wait until the first attempt", waits, unit="seconds"),
        graph("Age of the oldest event that nobody has read", [news], unit="seconds"),
    ]


def step_row(figures: Figures) -> list[cloudwatch.IWidget]:
    return [
        graph(
            f"{kind}: time per step, {percentile}",
            [
                figures.of(STEP_SECONDS, percentile, period=HOUR, label=step.name, kind=kind, step=step.name)
                for step in steps
            ],
            unit="seconds",
            width=6,
        )
        for kind, steps in STEPS.items()
        for percentile in ("p50", "p95")
    ]


def trouble_row(figures: Figures) -> list[cloudwatch.IWidget]:
    reclaims = [figures.of(SPOT_RECLAIMS, "Sum", period=HOUR, label=kind, kind=kind) for kind in JobKind]
    return [
        graph("Failures by reason", [figures.found(JOB_FAILURES, "Sum")], unit="jobs", width=12, stacked=True),
        graph("Spot reclaims", reclaims, unit="attempts", width=12),
    ]


def machine_row(figures: Figures) -> list[cloudwatch.IWidget]:
    return [
        graph("Fullest disk of an attempt", _peaks(figures, SCRATCH_USED), unit="percent"),
        graph("Largest process of an attempt", _peaks(figures, PEAK_MEMORY), unit="bytes"),
        graph("Cores kept busy", [_cores(figures, kind) for kind in JobKind], unit="cores"),
    ]


def _peaks(figures: Figures, metric: Metric) -> list[cloudwatch.IMetric]:
    return [figures.of(metric, "Maximum", label=kind, kind=kind) for kind in JobKind]


def _cores(figures: Figures, kind: JobKind) -> cloudwatch.IMetric:
    return cloudwatch.MathExpression(
        expression=f"cpu_{kind} / machine_{kind}",
        using_metrics={
            f"cpu_{kind}": figures.of(CPU_SECONDS, "Sum", period=HOUR, kind=kind),
            f"machine_{kind}": figures.of(ATTEMPT_SECONDS, "Sum", period=HOUR, kind=kind),
        },
        period=HOUR,
        label=kind,
    )


def speed(figures: Figures) -> cloudwatch.IWidget:
    lines = [
        figures.of(REAL_TIME_FACTOR, statistic, period=HOUR, label=label)
        for statistic, label in (("p50", "half are faster"), ("p10", "nine of ten are faster"))
    ]
    return graph("Ladder real-time factor", lines, unit="seconds of source a second")
