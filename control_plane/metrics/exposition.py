"""The same metrics in Prometheus' text format, for a scraper or a person with curl."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from pipeline.metrics.catalog import METRICS
from pipeline.metrics.metric import Measurement, Metric

CONTENT_TYPE = CONTENT_TYPE_LATEST

# A second series beside each counter, which says when it began.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Exposition:
    """Implements `Meter`. What it shows is of this process, since it began."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._collectors = {metric.name: _collector(metric, self._registry) for metric in METRICS}

    def record(self, measurements: Iterable[Measurement]) -> None:
        for measurement in measurements:
            collector = self._collectors[measurement.metric.name]
            series = collector.labels(**measurement.dimensions) if measurement.dimensions else collector
            match series:
                case Counter():
                    series.inc(measurement.value)
                case Gauge():
                    series.set(measurement.value)
                case Histogram():
                    series.observe(measurement.value)

    def flush(self) -> None:
        """Nothing is held back."""

    def text(self) -> bytes:
        return generate_latest(self._registry)


def _collector(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    match metric.shape:
        case "counter":
            return Counter(metric.name, metric.says, metric.dimensions, registry=registry)
        case "gauge":
            return Gauge(metric.name, metric.says, metric.dimensions, registry=registry)
        case "distribution":
            return Histogram(metric.name, metric.says, metric.dimensions, registry=registry, buckets=metric.buckets)
