"""Everything that requests and background loops work with, opened once per process and handed down."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from control_plane.background import Background
from control_plane.metrics.exposition import Exposition
from control_plane.progress.reader import ProgressReader
from pipeline.database.pool import Pool
from pipeline.execution.executor import Executor
from pipeline.media.facts import SourceFacts
from pipeline.metrics.meter import Meter, Meters
from pipeline.progress.status import StatusBoard
from pipeline.settings import Settings
from pipeline.storage.store import ObjectStore

Probe = Callable[[str, int], SourceFacts]
"""Given a presigned URL and its size in bytes; raises `PermanentError` for what is not a video."""


@dataclass(frozen=True)
class Services:
    settings: Settings
    pool: Pool
    store: ObjectStore
    executor: Executor
    board: StatusBoard
    progress: ProgressReader
    probe: Probe
    background: Background
    meter: Meter = field(default_factory=Meters)
    exposition: Exposition | None = None

    @property
    def public_url(self) -> str:
        """How browsers reach this API, without a slash at the end."""
        url = self.settings.public_url or f"http://{self.settings.host}:{self.settings.port}"
        return url.rstrip("/")

    @property
    def cdn_base_url(self) -> str:
        return (self.settings.cdn_base_url or f"{self.public_url}/cdn").rstrip("/")

    @property
    def control_plane_url(self) -> str:
        """How jobs reach this API."""
        return (self.settings.control_plane_url or self.public_url).rstrip("/")


# async: FastAPI calls a plain function in a thread, which costs more than all the rest of a progress read.
async def _services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Opener = Callable[[Settings], AbstractContextManager[Services]]

Wired = Annotated[Services, Depends(_services_of)]
