"""The store's contract, on the embedded S3 server and on moto's."""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from pipeline.embedded import object_store
from pipeline.embedded.supervisor import Supervisor
from pipeline.errors import AcademyError, Unavailable
from pipeline.settings import Settings
from pipeline.storage.opening import open_store
from pipeline.storage.store import ObjectStore
from tests.contracts.store_contract import StoreContract
from tests.fixtures.servers import S3


@contextmanager
def opened(server: S3) -> Iterator[ObjectStore]:
    settings = Settings(
        s3_endpoint_url=server.endpoint_url,
        s3_region=server.region,
        s3_bucket=server.bucket,
        s3_access_key_id=server.access_key_id,
        s3_secret_access_key=server.secret_access_key,
    )
    with open_store(settings) as store:
        yield store


def connections_to(server: S3) -> Callable[[], int]:
    """Counts the sockets of this process that are connected to the server."""
    port = urlsplit(server.endpoint_url).port

    def count() -> int:
        sockets = psutil.Process(os.getpid()).net_connections("tcp")
        return sum(bool(s.raddr) and s.raddr.port == port and s.status == "ESTABLISHED" for s in sockets)

    return count


numbers = itertools.count(1)


class TestEmbeddedServer(StoreContract):
    enforces_once: ClassVar[bool] = False
    range_status: ClassVar[int] = 200

    @pytest.fixture
    def store(self, s3: S3) -> Iterator[ObjectStore]:
        with opened(s3) as store:
            yield store

    @pytest.fixture
    def connections(self, s3: S3) -> Callable[[], int]:
        return connections_to(s3)

    @pytest.fixture
    def fill(self, s3: S3, session_supervisor: Supervisor) -> Callable[[Sequence[str]], None]:
        bucket = session_supervisor.folder.part(object_store.NAME) / s3.bucket

        def fill(keys: Sequence[str]) -> None:
            for key in keys:
                path = bucket / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"s")

        return fill


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class TestMoto(StoreContract):
    enforces_signatures: ClassVar[bool] = False
    completing_what_was_aborted: ClassVar[type[AcademyError]] = Unavailable

    @pytest.fixture
    def server(self, moto_url: str) -> S3:
        server = S3(moto_url, "us-east-1", "academy", "secret", f"test-{next(numbers)}")
        client = boto3.client(
            "s3",
            endpoint_url=moto_url,
            region_name=server.region,
            aws_access_key_id=server.access_key_id,
            aws_secret_access_key=server.secret_access_key,
        )
        client.create_bucket(Bucket=server.bucket)
        client.close()
        return server

    @pytest.fixture
    def store(self, server: S3) -> Iterator[ObjectStore]:
        with opened(server) as store:
            yield store

    @pytest.fixture
    def connections(self, server: S3) -> Callable[[], int]:
        return connections_to(server)

    @pytest.fixture
    def fill(self, server: S3) -> Callable[[Sequence[str]], None]:
        kept = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

        def fill(keys: Sequence[str]) -> None:
            for key in keys:
                kept.put_object(server.bucket, key, b"s")

        return fill
