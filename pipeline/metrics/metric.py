"""What a metric is, and one value of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Emitter = Literal["control_plane", "job"]
Shape = Literal["counter", "gauge", "distribution"]
# CloudWatch's words. A ratio has none.
Unit = Literal["Count", "Seconds", "Bytes", "Percent", "None"]


@dataclass(frozen=True)
class Metric:
    """One metric, by the same name in CloudWatch and in Prometheus.

    A counter's values add up; a gauge is what is so now; a distribution has percentiles. The values of a dimension
    come from a closed list: never a tenant, a job or a file. `buckets` are the upper bounds of Prometheus' histogram.
    """

    name: str
    shape: Shape
    unit: Unit
    emitter: Emitter
    says: str
    dimensions: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def of(self, value: float, **dimensions: str) -> "Measurement":
        return Measurement(self, float(value), dimensions)


@dataclass(frozen=True)
class Measurement:
    """Raises `ValueError` where the dimensions are not the metric's own."""

    metric: Metric
    value: float
    dimensions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.dimensions) != set(self.metric.dimensions):
            raise ValueError(f"{self.metric.name} has {self.metric.dimensions}, got {tuple(self.dimensions)}")
