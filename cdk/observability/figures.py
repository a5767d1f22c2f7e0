"""Metrics of the catalog as CloudWatch's: a widget or an alarm can only be about what code emits."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from pipeline.contracts import omr, transcode
from pipeline.contracts.envelope import JobKind, Step
from pipeline.metrics.metric import Metric

MINUTE, FIVE_MINUTES, HOUR, DAY = Duration.minutes(1), Duration.minutes(5), Duration.hours(1), Duration.days(1)

STEPS: dict[JobKind, Sequence[Step]] = {JobKind.TRANSCODE: transcode.STEPS, JobKind.OMR: omr.STEPS}


@dataclass(frozen=True)
class Figures:
    """The metrics of one installation, which has a namespace of its own."""

    namespace: str

    def of(
        self, metric: Metric, statistic: str, *, period: Duration = FIVE_MINUTES, label: str = "", **dimensions: str
    ) -> cloudwatch.Metric:
        """Raises `ValueError` where the dimensions are not the metric's own."""
        metric.of(0, **dimensions)
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=metric.name,
            dimensions_map=dimensions or None,
            statistic=statistic,
            period=period,
            label=label or " ".join([*dimensions.values(), statistic]),
        )

    def found(self, metric: Metric, statistic: str, *, period: Duration = HOUR) -> cloudwatch.MathExpression:
        """All series of a metric that there are: for a dimension with many values, of which few are ever seen."""
        schema = ",".join([f'"{self.namespace}"', *metric.dimensions])
        search = f"SEARCH('{{{schema}}} MetricName=\"{metric.name}\"', '{statistic}', {int(period.to_seconds())})"
        return cloudwatch.MathExpression(expression=search, using_metrics={}, period=period, label="")


def graph(
    title: str, lines: Sequence[cloudwatch.IMetric], *, unit: str, width: int = 8, stacked: bool = False, **more: object
) -> cloudwatch.GraphWidget:
    """A graph whose axis begins at 0; `unit` is what stands beside it."""
    return cloudwatch.GraphWidget(
        title=title,
        left=list(lines),
        left_y_axis=cloudwatch.YAxisProps(label=unit, min=0, show_units=False),
        stacked=stacked,
        width=width,
        height=6,
        **more,
    )
