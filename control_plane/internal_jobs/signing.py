"""Presigned PUTs for what an attempt wants to store: `OutputFile.path` can name nothing outside of its prefix."""

from collections.abc import Iterable

from control_plane.services import Services
from pipeline.contracts.envelope import OutputFile, SignedPut, UploadsReply


def sign_each(services: Services, prefix: str, files: Iterable[OutputFile]) -> UploadsReply:
    """In the order in which they were asked for."""
    return UploadsReply(
        files=tuple(
            SignedPut(path=file.path, url=put.url, headers=dict(put.headers))
            for file in files
            for put in [
                services.store.sign_put(
                    prefix + file.path,
                    size_bytes=file.size_bytes,
                    content_type=file.content_type,
                    expires_s=services.settings.upload_expires_s,
                    # A PUT whose answer was lost is sent again.
                    once=False,
                )
            ]
        )
    )
