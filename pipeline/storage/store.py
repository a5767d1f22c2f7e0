"""The port to the object store."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import Invalid


@dataclass(frozen=True)
class ObjectInfo:
    """What a HEAD tells. The ETag is without its quotes."""

    key: str
    size_bytes: int
    etag: str
    content_type: str


@dataclass(frozen=True)
class SignedRequest:
    """A presigned request. The headers are covered by the signature and must be sent as they are."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class UploadedPart:
    number: int
    etag: str


@dataclass(frozen=True)
class ByteRange:
    """An open body. Closing the generator, or reading it to its end, lets go of the connection.

    `first_byte` and `last_byte` are inclusive; `total_bytes` is the whole object's size.
    """

    chunks: Generator[bytes]
    first_byte: int
    last_byte: int
    total_bytes: int
    content_type: str
    etag: str


class RangeNotSatisfiable(Invalid):
    """The range begins behind the object's end: HTTP's 416."""


class ObjectStore(Protocol):
    """Holds bytes; raises `Unavailable` when it does not answer. Keys are made in `pipeline.storage.keys`."""

    def sign_get(self, key: str, *, expires_s: int) -> SignedRequest: ...

    def sign_put(self, key: str, *, size_bytes: int, content_type: str, expires_s: int, once: bool) -> SignedRequest:
        """A PUT of exactly this many bytes of this type; with `once`, only where the key is still free."""

    def begin_multipart(self, key: str, *, content_type: str) -> str:
        """Start a multipart upload and return its identifier."""

    def sign_part(self, key: str, upload_id: str, number: int, *, expires_s: int) -> SignedRequest:
        """A PUT of part `number`, counted from 1."""

    def complete_multipart(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        """Join the parts; raises `Conflict` when one is missing or differs."""

    def abort_multipart(self, key: str, upload_id: str) -> None: ...

    def find(self, key: str) -> ObjectInfo | None: ...

    def read(self, key: str, *, limit_bytes: int) -> bytes | None:
        """The whole object, None where there is none; raises `Invalid` above `limit_bytes`."""

    def open_range(self, key: str, *, range_header: str | None) -> ByteRange | None:
        """A stream of the object or of one `bytes=` range of it, None where there is none.

        Any other header is as good as none; raises `RangeNotSatisfiable` for a range behind the end.
        """

    def write(self, key: str, body: bytes, *, content_type: str) -> ObjectInfo: ...

    def list_keys(self, prefix: str) -> Iterator[str]:
        """All keys below `prefix`, in order, over as many pages as there are."""

    def delete_prefix(self, prefix: str) -> int:
        """Delete everything below `prefix` and return how many objects that were."""
