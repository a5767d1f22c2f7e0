"""What every object store keeps, as the port promises it. A subclass gives the fixtures `store`, `connections` and
`fill`, which puts small objects where the server keeps them, and its capabilities.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest
import requests

from pipeline.errors import AcademyError, Conflict, Invalid
from pipeline.storage.store import ObjectInfo, ObjectStore, RangeNotSatisfiable, SignedRequest, UploadedPart

MIB = 1024 * 1024
KEY = "tenants/hagwon-1/videos/v/source/1.mp4"


def send(signed: SignedRequest, body: bytes | None = None, **headers: str) -> requests.Response:
    """The request as it was signed, with these headers instead of its own where they differ."""
    changed = {**signed.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return requests.request(signed.method, signed.url, data=body, headers=changed, timeout=20)


def put(store: ObjectStore, body: bytes, *, key: str = KEY, once: bool = False) -> requests.Response:
    signed = store.sign_put(key, size_bytes=len(body), content_type="video/mp4", expires_s=60, once=once)
    return send(signed, body)


class StoreContract:
    # Whether the server checks signatures; moto does not. (rclone does, but takes no notice of their expiry.)
    enforces_signatures: ClassVar[bool] = True
    # Whether the server keeps `once`: rclone does not know If-None-Match.
    enforces_once: ClassVar[bool] = True
    # rclone answers a range with 200, and with the range in Content-Range as it should be.
    range_status: ClassVar[int] = 206
    # moto fails with 500 where an upload was aborted.
    completing_what_was_aborted: ClassVar[type[AcademyError]] = Conflict

    def test_what_is_written_is_found_and_read(self, store: ObjectStore):
        written = store.write(KEY, b"lecture", content_type="video/mp4")
        assert written == store.find(KEY)
        assert written == ObjectInfo(KEY, 7, written.etag, "video/mp4")
        assert '"' not in written.etag
        assert store.read(KEY, limit_bytes=7) == b"lecture"

    def test_what_is_not_there_is_none(self, store: ObjectStore):
        assert store.find(KEY) is None
        assert store.read(KEY, limit_bytes=1) is None
        assert store.open_range(KEY, range_header=None) is None

    def test_an_empty_object_is_there(self, store: ObjectStore):
        store.write(KEY, b"", content_type="video/mp4")
        found = store.find(KEY)
        assert found is not None
        assert found.size_bytes == 0
        assert store.read(KEY, limit_bytes=0) == b""

    def test_reading_more_than_the_limit_is_refused(self, store: ObjectStore):
        store.write(KEY, b"lecture", content_type="video/mp4")
        with pytest.raises(Invalid, match="7 bytes, above 6"):
            store.read(KEY, limit_bytes=6)

    def test_a_signed_put_stores_the_bytes_with_their_type(self, store: ObjectStore):
        assert put(store, b"from a browser").ok
        found = store.find(KEY)
        assert found is not None
        assert (found.size_bytes, found.content_type) == (14, "video/mp4")
        assert store.read(KEY, limit_bytes=100) == b"from a browser"

    def test_a_signed_put_takes_these_bytes_of_this_type_only(self, store: ObjectStore):
        if not self.enforces_signatures:
            pytest.skip("this server checks no signatures")
        signed = store.sign_put(KEY, size_bytes=7, content_type="video/mp4", expires_s=60, once=True)
        assert send(signed, b"lecture, and more", Content_Length="17").status_code == 403
        assert send(signed, b"lecture", Content_Type="application/vnd.apple.mpegurl").status_code == 403
        other_key = SignedRequest("PUT", signed.url.replace("1.mp4", "2.mp4"), signed.headers)
        assert send(other_key, b"lecture").status_code == 403
        assert list(store.list_keys("")) == []
        assert send(signed, b"lecture").ok

    def test_with_once_a_second_put_is_refused(self, store: ObjectStore):
        assert put(store, b"first", once=True).ok
        second = put(store, b"second", once=True)
        if self.enforces_once:
            assert second.status_code == 412
            assert store.read(KEY, limit_bytes=100) == b"first"
        else:
            assert second.ok

    def test_the_signature_covers_once(self, store: ObjectStore):
        """So that whoever has the address cannot leave the header out."""
        signed = store.sign_put(KEY, size_bytes=5, content_type="video/mp4", expires_s=60, once=True)
        assert signed.headers["If-None-Match"] == "*"
        assert "if-none-match" in signed.url
        assert (
            "If-None-Match"
            not in store.sign_put(KEY, size_bytes=5, content_type="video/mp4", expires_s=60, once=False).headers
        )

    def test_a_signed_get_reads_the_object_and_its_ranges(self, store: ObjectStore):
        store.write(KEY, b"0123456789", content_type="video/mp4")
        signed = store.sign_get(KEY, expires_s=60)
        assert send(signed).content == b"0123456789"
        part = send(signed, Range="bytes=2-4")
        assert (part.status_code, part.content) == (self.range_status, b"234")
        assert part.headers["Content-Range"] == "bytes 2-4/10"

    def test_other_bytes_have_another_etag(self, store: ObjectStore):
        """What pinning a source rests on: the same length is not enough to pass for the same bytes."""
        first = store.write(KEY, b"lecture 1", content_type="video/mp4")
        second = store.write(KEY, b"lecture 2", content_type="video/mp4")
        assert first.etag != second.etag
        again = store.find(KEY)
        assert again is not None
        assert again.etag == second.etag

    @pytest.mark.parametrize(
        ("header", "body", "first", "last"),
        [
            (None, b"0123456789", 0, 9),
            ("bytes=0-0", b"0", 0, 0),
            ("bytes=3-", b"3456789", 3, 9),
            ("bytes=-2", b"89", 8, 9),
            ("bytes=8-100", b"89", 8, 9),
            ("bytes=0-1,3-4", b"0123456789", 0, 9),
            ("lines=0-1", b"0123456789", 0, 9),
            ("bytes=-", b"0123456789", 0, 9),
        ],
    )
    def test_a_range_is_a_part_of_the_object(
        self, store: ObjectStore, header: str | None, body: bytes, first: int, last: int
    ):
        written = store.write(KEY, b"0123456789", content_type="video/mp4")
        found = store.open_range(KEY, range_header=header)
        assert found is not None
        assert b"".join(found.chunks) == body
        assert (found.first_byte, found.last_byte, found.total_bytes) == (first, last, 10)
        assert (found.content_type, found.etag) == ("video/mp4", written.etag)

    def test_a_range_behind_the_end_is_refused(self, store: ObjectStore):
        store.write(KEY, b"0123456789", content_type="video/mp4")
        with pytest.raises(RangeNotSatisfiable):
            store.open_range(KEY, range_header="bytes=10-")

    def test_unread_bodies_hold_no_connections(self, store: ObjectStore, connections: Callable[[], int]):
        """A player that leaves closes the stream, most often before it has read a byte of it."""
        store.write(KEY, b"x" * MIB, content_type="video/mp4")
        before = connections()
        for _ in range(5):
            found = store.open_range(KEY, range_header=None)
            assert found is not None
            found.chunks.close()
        assert connections() <= before + 1

    def test_parts_become_one_object(self, store: ObjectStore):
        upload = store.begin_multipart(KEY, content_type="video/mp4")
        bodies = [b"a" * 5 * MIB, b"b" * 1000]
        parts = []
        for number, body in enumerate(bodies, start=1):
            reply = send(store.sign_part(KEY, upload, number, expires_s=60), body)
            assert reply.ok, reply.text
            parts.append(UploadedPart(number, reply.headers["ETag"].strip('"')))
        assert store.find(KEY) is None
        store.complete_multipart(KEY, upload, parts)
        found = store.find(KEY)
        assert found is not None
        assert (found.size_bytes, found.content_type) == (5 * MIB + 1000, "video/mp4")
        assert store.read(KEY, limit_bytes=6 * MIB) == b"".join(bodies)

    def test_a_missing_part_is_a_conflict(self, store: ObjectStore):
        upload = store.begin_multipart(KEY, content_type="video/mp4")
        reply = send(store.sign_part(KEY, upload, 1, expires_s=60), b"a" * 1000)
        sent = UploadedPart(1, reply.headers["ETag"].strip('"'))
        with pytest.raises(Conflict):
            store.complete_multipart(KEY, upload, [sent, UploadedPart(2, "0" * 32)])
        assert store.find(KEY) is None

    def test_an_aborted_upload_leaves_nothing_and_cannot_be_completed(self, store: ObjectStore):
        upload = store.begin_multipart(KEY, content_type="video/mp4")
        reply = send(store.sign_part(KEY, upload, 1, expires_s=60), b"a" * 1000)
        store.abort_multipart(KEY, upload)
        store.abort_multipart(KEY, upload)
        with pytest.raises(self.completing_what_was_aborted):
            store.complete_multipart(KEY, upload, [UploadedPart(1, reply.headers["ETag"].strip('"'))])
        assert list(store.list_keys("")) == []

    def test_more_keys_than_a_page_are_listed_in_order_and_deleted(
        self, store: ObjectStore, fill: Callable[[Sequence[str]], None]
    ):
        keys = [f"tenants/a/videos/v/hls/j-1/v1/{number:05}.m4s" for number in range(1005)]
        fill(keys)
        neighbour = store.write("tenants/a/videos/v/hls/j-10/master.m3u8", b"m", content_type="text/plain")
        assert list(store.list_keys("tenants/a/videos/v/hls/j-1/")) == keys
        assert store.delete_prefix("tenants/a/videos/v/hls/j-1/") == 1005
        assert list(store.list_keys("")) == [neighbour.key]

    def test_deleting_below_no_prefix_is_refused(self, store: ObjectStore):
        store.write(KEY, b"lecture", content_type="video/mp4")
        with pytest.raises(Invalid):
            store.delete_prefix("")
        assert store.find(KEY) is not None
