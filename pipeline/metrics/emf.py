"""CloudWatch's embedded metric format: lines of JSON on stdout, which CloudWatch turns into metrics as it takes logs.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
Logs go to stderr, so that a line here is a metric and nothing else.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TextIO

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from pipeline.metrics.metric import Emitter, Measurement

# The format takes 100 values a metric and line; the library prints by itself when it has so many.
VALUES_A_LINE = 99

_Dimensions = tuple[tuple[str, str], ...]


class EmfLines:
    """Holds measurements until `flush` writes them, a line for each set of dimensions, with all their values.

    `emitter` is who we are: what is another's to emit is left out, for it has written its own line.
    """

    def __init__(self, namespace: str, *, emitter: Emitter, stream: TextIO | None = None) -> None:
        self._namespace = namespace
        self._emitter = emitter
        self._stream = stream or sys.stdout
        self._lock = Lock()
        self._held: dict[_Dimensions, list[Measurement]] = {}

    def record(self, measurements: Iterable[Measurement]) -> None:
        ours = [measurement for measurement in measurements if measurement.metric.emitter == self._emitter]
        with self._lock:
            for measurement in ours:
                self._held.setdefault(tuple(sorted(measurement.dimensions.items())), []).append(measurement)

    def flush(self) -> None:
        with self._lock:
            held, self._held = self._held, {}
        for dimensions, measurements in held.items():
            for start in range(0, len(measurements), VALUES_A_LINE):
                some = measurements[start : start + VALUES_A_LINE]
                self._stream.write(self._line(dimensions, some) + "\n")
        self._stream.flush()

    def _line(self, dimensions: _Dimensions, measurements: Sequence[Measurement]) -> str:
        lines = AmazonCloudWatchEMFProvider(namespace=self._namespace)
        for name, value in dimensions:
            lines.add_dimension(name, value)
        for measurement in measurements:
            lines.add_metric(measurement.metric.name, measurement.metric.unit, measurement.value)
        return json.dumps(lines.serialize_metric_set())
