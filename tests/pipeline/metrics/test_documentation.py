"""docs/metrics.md says what the catalog says."""

from pathlib import Path

from pipeline.metrics.catalog import METRICS

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_table_of_metrics_is_the_catalog():
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `academy_")]
    assert rows == [
        f"| `{metric.name}` | {metric.shape} | {'ratio' if metric.unit == 'None' else metric.unit.lower()} |"
        f" {', '.join(f'`{name}`' for name in metric.dimensions) or 'none'} | {metric.says} |"
        for metric in METRICS
    ]
