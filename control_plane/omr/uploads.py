"""Presigned PUTs for files of answer sheets, and what is asked of the objects that were put."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from control_plane.omr.calls import FileCall
from control_plane.omr.replies import SignedUpload
from control_plane.services import Services
from pipeline.database.omr_files import OmrFile
from pipeline.database.omr_templates import TemplatePicture
from pipeline.errors import Conflict, Invalid
from pipeline.storage.store import ObjectStore, RangeNotSatisfiable

# What browsers call the pictures and documents that the reader opens, and the suffix of the key that each gets.
PICTURES: Mapping[str, str] = {"image/png": ".png", "image/jpeg": ".jpg", "image/tiff": ".tif"}
SHEETS: Mapping[str, str] = {
    **PICTURES,
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
}
# How files of these types begin. PDF's own rule is a header within the first kilobyte.
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"PK\x03\x04")
_PDF_HEADER = b"%PDF-"
HEAD_BYTES = 1024
CHECKS_AT_ONCE = 16

Uploaded = OmrFile | TemplatePicture
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Checked:
    """An object as it was found: the ETag pins it."""

    name: str
    etag: str


@dataclass(frozen=True)
class Refusal:
    name: str
    reason: str


def check_calls(files: Sequence[FileCall], *, types: Mapping[str, str]) -> None:
    """Raises `Invalid` for a type that is not among `types`, and for a name that stands there twice."""
    seen = set()
    for file in files:
        if file.content_type not in types:
            raise Invalid(
                "content_type_not_allowed", f"{file.name!r}: {file.content_type!r} is not one of {', '.join(types)}"
            )
        if file.name in seen:
            raise Invalid("file_named_twice", f"{file.name!r}")
        seen.add(file.name)


def sign_upload(services: Services, file: Uploaded) -> SignedUpload:
    """A PUT of exactly the declared size and type, good once."""
    expires_s = services.settings.upload_expires_s
    put = services.store.sign_put(
        file.key, size_bytes=file.declared_bytes, content_type=file.content_type, expires_s=expires_s, once=True
    )
    return SignedUpload(name=file.name, method="PUT", url=put.url, headers=dict(put.headers), expires_s=expires_s)


def check_files(store: ObjectStore, files: Sequence[OmrFile]) -> list[Checked]:
    """What was put for each file; raises `Conflict` with the first refusal's reason, and every one in its detail."""
    found = _in_parallel(lambda file: _look(store, file), files)
    refusals = [one for one in found if isinstance(one, Refusal)]
    if refusals:
        told = "; ".join(f"{refusal.name}: {refusal.reason}" for refusal in refusals)
        raise Conflict(refusals[0].reason, told[:2000])
    return [one for one in found if isinstance(one, Checked)]


def check_pictures(store: ObjectStore, pictures: Sequence[TemplatePicture]) -> list[Checked]:
    """As `check_files`, for those of a template's pictures that are not pinned yet."""
    found = _in_parallel(lambda picture: _look(store, picture), [p for p in pictures if p.etag is None])
    for one in found:
        if isinstance(one, Refusal):
            raise Conflict("template_picture_missing", f"{one.name}: {one.reason}")
    return [one for one in found if isinstance(one, Checked)]


def _in_parallel(look: Callable[[T], R], files: Sequence[T]) -> list[R]:
    if not files:
        return []
    with ThreadPoolExecutor(min(CHECKS_AT_ONCE, len(files)), thread_name_prefix="check") as pool:
        return list(pool.map(look, files))


def _look(store: ObjectStore, file: Uploaded) -> Checked | Refusal:
    """One read of the first bytes tells all that a HEAD tells, and whether it is what the reader opens."""
    try:
        found = store.open_range(file.key, range_header=f"bytes=0-{HEAD_BYTES - 1}")
    except RangeNotSatisfiable:
        found = None
    if found is None or found.total_bytes == 0:
        return Refusal(file.name, "source_not_found_or_empty")
    with closing(found.chunks):
        head = b"".join(found.chunks)
    if found.total_bytes != file.declared_bytes:
        return Refusal(file.name, "source_invalid:SIZE_MISMATCH")
    if not head.startswith(_BEGINNINGS) and _PDF_HEADER not in head:
        return Refusal(file.name, "source_invalid:NOT_A_PICTURE")
    return Checked(file.name, found.etag)
