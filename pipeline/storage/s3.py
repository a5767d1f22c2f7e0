"""The object store over S3: AWS, Cloudflare R2, and the embedded server alike."""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import AcademyError, Conflict, Invalid, NotFound, Unavailable
from pipeline.storage.store import ByteRange, ObjectInfo, RangeNotSatisfiable, SignedRequest, UploadedPart

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

CHUNK_BYTES = 256 * 1024
# DeleteObjects takes at most so many.
DELETE_AT_ONCE = 1000
# A first and a last byte, either of which may be missing but not both. More than one range, or another unit, may be
# answered with the whole object (RFC 9110, 14.2), as S3 does.
SINGLE_RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")

_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
# What S3 says about parts that were not uploaded, or differ from what was: it can never succeed as it stands.
_BAD_UPLOAD = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "NoSuchUpload"})


class S3ObjectStore:
    """One bucket. See `pipeline.storage.store.ObjectStore` for what each method promises.

    `once` rests on the server's `If-None-Match`, which AWS and R2 have and the embedded server has not; without
    `conditional_writes` it is not asked for. So each upload also has a key of its own, and its ETag is pinned.
    """

    def __init__(self, client: "S3Client", bucket: str, *, conditional_writes: bool) -> None:
        self._client = client
        self._bucket = bucket
        self._conditional_writes = conditional_writes

    def sign_get(self, key: str, *, expires_s: int) -> SignedRequest:
        return self._sign("get_object", "GET", {"Key": key}, headers={}, expires_s=expires_s)

    def sign_put(self, key: str, *, size_bytes: int, content_type: str, expires_s: int, once: bool) -> SignedRequest:
        parameters = {"Key": key, "ContentLength": size_bytes, "ContentType": content_type}
        headers = {"Content-Length": str(size_bytes), "Content-Type": content_type}
        if once and self._conditional_writes:
            parameters["IfNoneMatch"] = headers["If-None-Match"] = "*"
        return self._sign("put_object", "PUT", parameters, headers=headers, expires_s=expires_s)

    def begin_multipart(self, key: str, *, content_type: str) -> str:
        with _answering("create_multipart_upload", key):
            reply = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
            return reply["UploadId"]

    def sign_part(self, key: str, upload_id: str, number: int, *, expires_s: int) -> SignedRequest:
        parameters = {"Key": key, "UploadId": upload_id, "PartNumber": number}
        return self._sign("upload_part", "PUT", parameters, headers={}, expires_s=expires_s)

    def complete_multipart(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        listed: list[CompletedPartTypeDef] = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        with _answering("complete_multipart_upload", key):
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def abort_multipart(self, key: str, upload_id: str) -> None:
        # Conflict: it was aborted or completed before.
        with suppress(Conflict), _answering("abort_multipart_upload", key):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    def find(self, key: str) -> ObjectInfo | None:
        try:
            with _answering("head_object", key):
                reply = self._client.head_object(Bucket=self._bucket, Key=key)
        except NotFound:
            return None
        return ObjectInfo(key, reply["ContentLength"], _bare(reply["ETag"]), reply["ContentType"])

    def read(self, key: str, *, limit_bytes: int) -> bytes | None:
        found = self.open_range(key, range_header=None)
        if found is None:
            return None
        with closing(found.chunks):
            if found.total_bytes > limit_bytes:
                raise Invalid("object_too_large", f"{key} has {found.total_bytes} bytes, above {limit_bytes}")
            return b"".join(found.chunks)

    def open_range(self, key: str, *, range_header: str | None) -> ByteRange | None:
        wanted = range_header if range_header is not None and SINGLE_RANGE.fullmatch(range_header) else None
        try:
            with _answering("get_object", key):
                if wanted is None:
                    reply = self._client.get_object(Bucket=self._bucket, Key=key)
                else:
                    reply = self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted)
        except NotFound:
            return None
        size = reply["ContentLength"]
        first, total = _place(reply.get("ContentRange"), size)
        return ByteRange(
            chunks=_chunks(reply["Body"], key),
            first_byte=first,
            last_byte=first + size - 1,
            total_bytes=total,
            content_type=reply["ContentType"],
            etag=_bare(reply["ETag"]),
        )

    def write(self, key: str, body: bytes, *, content_type: str) -> ObjectInfo:
        with _answering("put_object", key):
            reply = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
        return ObjectInfo(key, len(body), _bare(reply["ETag"]), content_type)

    def list_keys(self, prefix: str) -> Iterator[str]:
        with _answering("list_objects_v2", prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for entry in page.get("Contents", []):
                    yield entry["Key"]

    def delete_prefix(self, prefix: str) -> int:
        if not prefix:
            raise Invalid("prefix_empty", "an empty prefix would delete the whole bucket")
        deleted = 0
        # Each round begins at the front again: what was listed is gone, or the round has raised.
        while keys := list(islice(self.list_keys(prefix), DELETE_AT_ONCE)):
            self._delete(keys)
            deleted += len(keys)
        return deleted

    def _delete(self, keys: Sequence[str]) -> None:
        with _answering("delete_objects", keys[0]):
            reply = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
            )
        if errors := reply.get("Errors"):
            raise Unavailable("storage_refused", f"{len(errors)} keys were not deleted; the first is {errors[0]}")

    def _sign(
        self, operation: str, method: str, parameters: Mapping[str, Any], *, headers: Mapping[str, str], expires_s: int
    ) -> SignedRequest:
        url = self._client.generate_presigned_url(
            operation, Params={"Bucket": self._bucket, **parameters}, ExpiresIn=expires_s, HttpMethod=method
        )
        return SignedRequest(method, url, headers)


@contextmanager
def _answering(operation: str, key: str) -> Iterator[None]:
    """Turn what botocore raises into this project's errors; its own texts hold no credentials."""
    try:
        yield
    except ClientError as exc:
        raise _error(exc, f"{operation} of {key}") from exc
    except BotoCoreError as exc:
        raise Unavailable("storage_unavailable", f"{operation} of {key}: {exc}") from exc


def _error(error: ClientError, what: str) -> AcademyError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _GONE:
        return NotFound("object_not_found", what)
    if code == "InvalidRange":
        return RangeNotSatisfiable("range_not_satisfiable", what)
    if code in _BAD_UPLOAD:
        return Conflict("upload_parts_invalid", f"{what}: {code}")
    return Unavailable("storage_unavailable", f"{what}: {error}")


def _place(content_range: str | None, size: int) -> tuple[int, int]:
    """The first byte of an answer and the object's size, from `bytes 0-99/1000`."""
    if content_range is None:
        return 0, size
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", content_range)
    if match is None:
        raise Unavailable("storage_unavailable", f"the object store answered Content-Range {content_range!r}")
    return int(match[1]), int(match[2])


def _chunks(body: "StreamingBody", key: str) -> Generator[bytes]:
    with closing(body), _answering("get_object", key):
        yield from body.iter_chunks(CHUNK_BYTES)


def _bare(etag: str) -> str:
    return etag.strip('"')
