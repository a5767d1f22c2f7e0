"""Reads /metrics as Prometheus does."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.control_plane.plane import METRICS_TOKEN, Plane

Series = tuple[str, tuple[tuple[str, str], ...]]


def scrape(plane: Plane) -> httpx.Response:
    return plane.http.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})


def shown(plane: Plane) -> dict[Series, float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(scrape(plane).text)
        for sample in family.samples
    }


@dataclass
class Growth:
    """What has come since it was made."""

    plane: Plane
    before: Mapping[Series, float]

    def __call__(self, name: str, **labels: str) -> float:
        series = (name, tuple(sorted(labels.items())))
        return round(shown(self.plane).get(series, 0.0) - self.before.get(series, 0.0), 6)
