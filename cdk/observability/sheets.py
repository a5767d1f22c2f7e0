"""Answer sheets: how many, and how many of them need a person."""

from aws_cdk import aws_cloudwatch as cloudwatch

from cdk.observability.figures import HOUR, Figures, graph
from pipeline.metrics.catalog import SHEETS, SHEETS_TO_REVIEW


def sheet_row(figures: Figures) -> list[cloudwatch.IWidget]:
    read = figures.of(SHEETS, "Sum", period=HOUR, label="read", result="read")
    refused = figures.of(SHEETS, "Sum", period=HOUR, label="refused", result="refused")
    to_review = figures.of(SHEETS_TO_REVIEW, "Sum", period=HOUR, label="to review")
    share = cloudwatch.MathExpression(
        expression="100 * to_review / read",
        using_metrics={"to_review": to_review, "read": read},
        period=HOUR,
        label="of those read",
    )
    return [
        graph("Answer sheets by hour", [read, refused], unit="pages", width=12, stacked=True),
        graph("Review share", [share], unit="percent", width=12),
    ]
