"""An installation for each module, with proxies where faults are put in, and whole again before each test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import boto3
import pytest
import redis

from pipeline.embedded.object_store import ObjectStoreAddress
from pipeline.embedded.valkey import CacheAddresses
from tests.fixtures.media import Clip, make_clip
from tests.fixtures.proxies import TcpLine, open_http_proxy
from tests.fixtures.servers import TEMPLATE, _database, make_bucket
from tests.system.academy import JWT_SECRET, Academy, base_environment, free_port


def with_port(url: str, port: int) -> str:
    """The same address, user and password, through a proxy on this machine."""
    parts = urlsplit(url)
    user = f"{parts.username or ''}:{parts.password}@" if parts.password else ""
    return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}"))


@pytest.fixture(scope="module")
def set_up() -> dict[str, str]:
    """Settings beside the addresses, for a module to say otherwise."""
    return {}


@pytest.fixture(scope="module")
def _academy(
    tmp_path_factory: pytest.TempPathFactory,
    _postgres: str,
    _valkey: CacheAddresses,
    _object_store: ObjectStoreAddress,
    *,
    set_up: dict[str, str],
) -> Iterator[Academy]:
    data = tmp_path_factory.mktemp("academy")
    port = free_port()
    redis_address = urlsplit(_valkey.url)
    with ExitStack() as stack:
        postgres_url = stack.enter_context(_database(_postgres, template=TEMPLATE))
        bucket = make_bucket(_object_store)
        with redis.Redis.from_url(_valkey.url, socket_timeout=5) as cache:
            cache.flushall()
        storage = stack.enter_context(open_http_proxy(bucket.endpoint_url))
        api = stack.enter_context(open_http_proxy(f"http://127.0.0.1:{port}"))
        line = TcpLine(redis_address.hostname or "127.0.0.1", redis_address.port or 6379)
        stack.callback(line.close)
        client = boto3.client(
            "s3",
            endpoint_url=bucket.endpoint_url,
            region_name=bucket.region,
            aws_access_key_id=bucket.access_key_id,
            aws_secret_access_key=bucket.secret_access_key,
        )
        stack.callback(client.close)
        academy = Academy(
            data=data,
            port=port,
            api=api,
            s3=storage,
            redis=line,
            s3_client=client,
            environment={
                **base_environment(),
                "ACADEMY_DATA": str(data),
                "DATABASE_URL": postgres_url,
                "REDIS_URL": with_port(_valkey.url, line.port),
                "JOB_REDIS_URL": with_port(_valkey.job_url, line.port),
                "S3_ENDPOINT_URL": storage.url,
                "S3_BUCKET": bucket.bucket,
                "S3_REGION": bucket.region,
                "S3_ACCESS_KEY_ID": bucket.access_key_id,
                "S3_SECRET_ACCESS_KEY": bucket.secret_access_key,
                "PORT": str(port),
                "CONTROL_PLANE_URL": api.url,
                "JWT_SECRET": JWT_SECRET,
                "JOB_TOKEN_SECRET": "another-secret-of-the-tests-that-is-long-enough",
                "SWEEP_EVERY_S": "0.2",
                **set_up,
            },
        )
        stack.callback(academy.stop)
        academy.start()
        yield academy


@pytest.fixture
def academy(_academy: Academy) -> Iterator[Academy]:
    """The module's installation, with nothing at work and no fault put in."""
    environment = dict(_academy.environment)
    yield _academy
    _academy.make_whole(environment)


@pytest.fixture(scope="session")
def lecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of several segments. Matroska: wherever it is cut, its head stays readable."""
    clip = Clip(width=426, height=240, pictures=12 * 25, container="matroska")
    return make_clip(tmp_path_factory.mktemp("lecture") / "lecture.mkv", clip)


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Little longer than an upload must be."""
    return make_clip(tmp_path_factory.mktemp("short") / "short.mp4", Clip(pictures=4 * 25))
