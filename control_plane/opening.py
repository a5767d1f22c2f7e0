"""Opens everything that the settings name, and closes it in the opposite order."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from control_plane.background import Background
from control_plane.metrics.opening import open_meter
from control_plane.progress.reader import open_progress_reader
from control_plane.services import Probe, Services
from pipeline.database.pool import open_pool
from pipeline.errors import Invalid
from pipeline.execution.opening import open_executor
from pipeline.media.probe import ProbeLimits, probe_url
from pipeline.progress.connection import connect
from pipeline.progress.status import StatusBoard
from pipeline.settings import Settings
from pipeline.storage.opening import open_store

# Requests run in 40 threads and write a status each; the loops write beside them.
REDIS_CONNECTIONS = 64


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Raises `Invalid` where something is not set that nothing can work without."""
    if settings.redis_url is None or settings.job_token_secret is None:
        raise Invalid("settings_incomplete", "REDIS_URL and JOB_TOKEN_SECRET must be set; `academy up` sets them")
    with (
        open_pool(settings, application_name="academy-control-plane") as pool,
        open_store(settings) as store,
        closing(connect(settings.redis_url, connections=REDIS_CONNECTIONS)) as redis,
        open_executor(settings) as executor,
        open_meter(settings) as (meter, exposition),
        Background() as background,
    ):
        yield Services(
            settings=settings,
            pool=pool,
            store=store,
            executor=executor,
            board=StatusBoard(redis),
            progress=open_progress_reader(settings),
            probe=_probe(settings),
            background=background,
            meter=meter,
            exposition=exposition,
        )


def _probe(settings: Settings) -> Probe:
    limits = ProbeLimits.of(settings.transcode_limits, timeout_s=settings.probe_timeout_s)
    return lambda url, size_bytes: probe_url(url, size_bytes, limits)
