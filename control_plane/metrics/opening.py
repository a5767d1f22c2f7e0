"""Where this process's metrics go, as its settings say."""

from collections.abc import Iterator
from contextlib import contextmanager

from control_plane.metrics.exposition import Exposition
from pipeline.metrics.emf import EmfLines
from pipeline.metrics.meter import Meter, Meters
from pipeline.settings import Settings


@contextmanager
def open_meter(settings: Settings) -> Iterator[tuple[Meter, Exposition | None]]:
    """A meter, and what /metrics shows of it; what is still held back at the end is written then."""
    exposition = Exposition() if settings.metrics_token is not None else None
    meters: list[Meter] = [] if exposition is None else [exposition]
    if settings.metrics_namespace is not None:
        meters.append(EmfLines(settings.metrics_namespace, emitter="control_plane"))
    meter = Meters(*meters)
    try:
        yield meter, exposition
    finally:
        meter.flush()
