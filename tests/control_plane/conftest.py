"""A control plane on real servers, whose loops turn only when a test says so, and an executor that writes down.

The servers and the process are one for all tests; rows, keys and what the executor was told are gone before each.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from pipeline.embedded.object_store import ObjectStoreAddress
from pipeline.embedded.valkey import CacheAddresses
from pipeline.logs import configure_logs
from pipeline.settings import Settings
from tests.control_plane.plane import JOB_SECRET, JWT_SECRET, METRICS_TOKEN, Plane, serve
from tests.control_plane.scraping import Growth, shown
from tests.fixtures.emptied import emptied_postgres_url, shared_postgres_url

__all__ = ["emptied_postgres_url", "plane", "settings", "shared_postgres_url"]


@pytest.fixture(scope="session")
def settings(
    shared_postgres_url: str, _valkey: CacheAddresses, _object_store: ObjectStoreAddress
) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="academy-plane-") as folder:
        yield Settings(
            academy_data=Path(folder),
            database_url=SecretStr(shared_postgres_url),
            redis_url=SecretStr(_valkey.url),
            job_redis_url=SecretStr(_valkey.job_url),
            s3_endpoint_url=_object_store.endpoint_url,
            s3_bucket="academy",
            s3_region=_object_store.region,
            s3_access_key_id=_object_store.access_key_id,
            s3_secret_access_key=SecretStr(_object_store.secret_access_key),
            jwt_secret=SecretStr(JWT_SECRET),
            job_token_secret=SecretStr(JOB_SECRET),
            metrics_token=SecretStr(METRICS_TOKEN),
            public_url="http://academy.test",
            cdn_base_url="http://cdn.test",
            multipart_above_bytes=5 * 1024 * 1024,
            part_bytes=5 * 1024 * 1024,
            max_source_bytes=100 * 1024 * 1024,
            split_above_s=300,
            split_part_s=120,
            omr_pages_per_job=4,
            omr_bytes_per_page=1000,
            omr_max_batch_bytes=1024 * 1024,
        )


@pytest.fixture(scope="session")
def _plane(settings: Settings) -> Iterator[Plane]:
    configure_logs("error")
    with serve(settings) as running:
        yield running


@pytest.fixture
def plane(_plane: Plane, emptied_postgres_url: str, _valkey: CacheAddresses) -> Plane:
    with redis.Redis.from_url(_valkey.url, socket_timeout=5) as client:
        client.flushall()
    _plane.executor.forget()
    _plane.probe.forget()
    _plane.background.woken.clear()
    return _plane


@pytest.fixture
def grown(plane: Plane) -> Growth:
    """What /metrics shows more of than when the test began."""
    return Growth(plane, shown(plane))
