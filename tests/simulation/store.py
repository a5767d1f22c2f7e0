"""The object store, in memory. It is consistent, as S3 is; its calls fail."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import NoReturn, TypeVar
from urllib.parse import quote, unquote

from pipeline.errors import Conflict, NotFound, Unavailable
from pipeline.storage.store import ByteRange, ObjectInfo, SignedRequest, UploadedPart
from tests.simulation.faults import Faults
from tests.simulation.schedule import Schedule

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Stored:
    body: bytes
    put_at_s: float

    @property
    def etag(self) -> str:
        return etag_of(self.body)


class MemoryStore:
    """Implements `ObjectStore`. `meanwhile` is called where others may be faster than whoever asks."""

    def __init__(self, schedule: Schedule, faults: Faults, *, meanwhile: Callable[[], None]) -> None:
        self._schedule = schedule
        self._faults = faults
        self._meanwhile = meanwhile
        self.objects: dict[str, Stored] = {}
        self.first_put_at_s: dict[str, float] = {}
        """Of every key that there ever was."""
        self.incomplete: set[str] = set()
        """Jobs of which a worker says that all is stored, and is wrong."""
        self.deleted: list[tuple[str, float]] = []
        """Keys, and when each was."""
        self.uploads: dict[str, dict[int, bytes]] = {}
        """The parts of multipart uploads that are neither complete nor aborted."""
        self.poisoned: set[str] = set()
        """Prefixes that are never answered for."""
        self.misread: list[str] = []
        """What a worker was told to read, and was not there."""

    def key_of(self, url: str) -> str:
        return unquote(url.removeprefix("memory:"))

    def put(self, url: str, body: bytes) -> None:
        """What a holder of a signed PUT does; its own caller decides whether that is lost."""
        key = self.key_of(url)
        before = self.objects.get(key)
        # The same bytes once more, after an answer that was lost, change nothing for a reader.
        if before is None or before.body != body:
            self.objects[key] = Stored(body, self._schedule.now_s)
            self.first_put_at_s.setdefault(key, self._schedule.now_s)

    def sign_get(self, key: str, *, expires_s: int) -> SignedRequest:
        return SignedRequest("GET", f"memory:{quote(key)}", {})

    def sign_put(self, key: str, *, size_bytes: int, content_type: str, expires_s: int, once: bool) -> SignedRequest:
        return SignedRequest("PUT", f"memory:{quote(key)}", {})

    def find(self, key: str) -> ObjectInfo | None:
        def found() -> ObjectInfo | None:
            stored = self.objects.get(key)
            return None if stored is None else ObjectInfo(key, len(stored.body), stored.etag, "any/type")

        return self._called(key, found)

    def read(self, key: str, *, limit_bytes: int) -> bytes | None:
        def body() -> bytes | None:
            stored = self.objects.get(key)
            return None if stored is None else stored.body

        return self._called(key, body)

    def delete_prefix(self, prefix: str) -> int:
        def delete() -> int:
            keys = [key for key in self.objects if key.startswith(prefix)]
            for key in keys:
                del self.objects[key]
                self.deleted.append((key, self._schedule.now_s))
            return len(keys)

        return self._called(prefix, delete)

    def _called(self, key: str, act: Callable[[], ResultT]) -> ResultT:
        self._meanwhile()
        if any(key.startswith(prefix) for prefix in self.poisoned):
            raise _away()
        return self._faults.call("s3", act, error=_away)

    def begin_multipart(self, key: str, *, content_type: str) -> str:
        def begin() -> str:
            upload_id = f"{key}#{self._faults.random.getrandbits(64):x}"
            self.uploads[upload_id] = {}
            return upload_id

        return self._called(key, begin)

    def sign_part(self, key: str, upload_id: str, number: int, *, expires_s: int) -> SignedRequest:
        return SignedRequest("PUT", f"{number}:{upload_id}", {})

    def put_part(self, url: str, body: bytes) -> str:
        """Its ETag. Like `put`, what the holder of a signed request does; `NotFound` where the upload was aborted."""
        number, _, upload_id = url.partition(":")
        if upload_id not in self.uploads:
            raise NotFound("upload_not_found", upload_id)
        self.uploads[upload_id][int(number)] = body
        return etag_of(body)

    def complete_multipart(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        """Once: R2 and others know nothing more of an upload that is complete."""

        def complete() -> None:
            stored = self.uploads.get(upload_id)
            if stored is None or [(part.number, part.etag) for part in parts] != [
                (number, etag_of(body)) for number, body in sorted(stored.items())
            ]:
                raise Conflict("upload_parts_invalid", key)
            self.put(f"memory:{quote(key)}", b"".join(stored[part.number] for part in parts))
            del self.uploads[upload_id]

        self._called(key, complete)

    def abort_multipart(self, key: str, upload_id: str) -> None:
        self._called(key, lambda: self.uploads.pop(upload_id, None))

    def open_range(self, key: str, *, range_header: str | None) -> ByteRange | None:
        """All of it, whatever range is asked for. Without faults: it is called from several threads at once."""
        stored = self.objects.get(key)
        if stored is None:
            return None
        size = len(stored.body)
        return ByteRange((part for part in (stored.body,)), 0, size - 1, size, "any/type", stored.etag)

    def write(self, key: str, body: bytes, *, content_type: str) -> ObjectInfo:
        _not_simulated(key)

    def list_keys(self, prefix: str) -> Iterator[str]:
        _not_simulated(prefix)


def etag_of(body: bytes) -> str:
    return md5(body).hexdigest()


def _not_simulated(key: str) -> NoReturn:
    raise NotImplementedError(key)


def _away() -> Exception:
    return Unavailable("storage_unavailable", "simulated")
