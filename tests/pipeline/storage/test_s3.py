"""What the store does where no server, or half of one, answers; all else is in tests/contracts."""

import socket
import threading
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from pipeline.errors import Unavailable
from pipeline.settings import Settings
from pipeline.storage.opening import open_store
from pipeline.storage.store import ObjectStore

SECRET = "a-secret-that-no-message-holds"


def settings(port: int, *, conditional_writes: bool = True) -> Settings:
    return Settings(
        s3_endpoint_url=f"http://127.0.0.1:{port}",
        s3_access_key_id="academy",
        s3_secret_access_key=SecretStr(SECRET),
        s3_conditional_writes=conditional_writes,
    )


@pytest.fixture
def nobody_listens() -> Iterator[int]:
    """A port that stays bound and so nobody's, and refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def breaks_off() -> Iterator[int]:
    """A server that announces 1,000 bytes, sends 4 and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            head = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: video/mp4\r\nETag: "e"\r\n\r\n'
            connection.sendall(head.encode() + b"half")

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(timeout=10)
    listener.close()


CALLS = [
    lambda store: store.find("k"),
    lambda store: store.read("k", limit_bytes=1),
    lambda store: store.write("k", b"", content_type="video/mp4"),
    lambda store: list(store.list_keys("k")),
    lambda store: store.delete_prefix("k"),
    lambda store: store.begin_multipart("k", content_type="video/mp4"),
    lambda store: store.complete_multipart("k", "u", []),
    lambda store: store.abort_multipart("k", "u"),
]


def test_a_store_that_does_not_answer_is_unavailable(nobody_listens: int):
    with open_store(settings(nobody_listens)) as store:
        for call in CALLS:
            with pytest.raises(Unavailable) as refusal:
                call(store)
            assert SECRET not in str(refusal.value)


def test_a_body_that_is_cut_off_is_not_taken_for_the_object(breaks_off: int):
    with open_store(settings(breaks_off)) as store, pytest.raises(Unavailable):
        store.read("k", limit_bytes=10_000)


def test_without_an_address_there_is_no_store():
    with pytest.raises(Unavailable, match="S3_ENDPOINT_URL is not set"), open_store(Settings(s3_endpoint_url=None)):
        pass


@pytest.mark.parametrize(("conditional_writes", "asked_for"), [(True, True), (False, False)])
def test_once_is_asked_only_of_a_server_that_keeps_it(
    nobody_listens: int, *, conditional_writes: bool, asked_for: bool
):
    with open_store(settings(nobody_listens, conditional_writes=conditional_writes)) as store:
        signed = sign(store)
    assert ("If-None-Match" in signed.headers) == asked_for
    assert ("if-none-match" in signed.url) == asked_for


def sign(store: ObjectStore):
    return store.sign_put("k", size_bytes=1, content_type="video/mp4", expires_s=60, once=True)
