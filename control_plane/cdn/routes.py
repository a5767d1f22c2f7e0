"""Published streams, where no CDN stands before the store: ranges of objects below `hls/` prefixes, nothing else."""

import re
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from control_plane.failures import Failure
from control_plane.services import Wired
from pipeline.errors import NotFound
from pipeline.storage.store import RangeNotSatisfiable

# A tenant's video's attempt, then what the job's contract calls an output path. It admits no `..` and no empty part.
STREAM_KEY = re.compile(
    r"tenants/[A-Za-z0-9_-]{1,64}/videos/[0-9a-f-]{36}/hls/[0-9a-f-]{36}-[1-9][0-9]{0,2}"
    r"(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+\.(?P<suffix>[a-z0-9]+)"
)
# What the store answers in part; anything else it answers with the whole object, as RFC 9110 (14.2) allows.
SINGLE_RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")
# What a player asks for; an outcome object, for one, is none of its business.
CONTENT_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
    "m4a": "audio/mp4",
    "ts": "video/mp2t",
    "aac": "audio/aac",
    "vtt": "text/vtt",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
# The prefix belongs to one attempt, so what stands under a key never changes.
CACHE_FOR_EVER = "public, max-age=31536000, immutable"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

router = APIRouter(prefix="/cdn", tags=["cdn"])


@router.options("/{_key:path}", include_in_schema=False)
async def preflight(_key: str) -> Response:
    """A player asks before it sends a Range header from another origin."""
    headers = {
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "Range, If-None-Match",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers={**CORS, **headers})


@router.head("/{key:path}", include_in_schema=False)
def head(services: Wired, key: str) -> Response:
    content_type = _content_type_of(key)
    found = services.store.find(key)
    if found is None:
        raise _not_found(key)
    headers = _headers(found.etag, content_type)
    return Response(headers={**headers, "Content-Length": str(found.size_bytes)})


@router.get(
    "/{key:path}",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"*/*": {}}, "description": "The object"},
        206: {"content": {"*/*": {}}, "description": "The range of it that was asked for"},
        304: {"description": "It is the one that the caller has"},
        404: {"model": Failure, "description": "`stream_not_found`"},
        416: {"description": "The range begins behind its end"},
        422: {"model": Failure, "description": "`request_invalid`: a header is too long"},
    },
)
def read(
    services: Wired,
    key: str,
    range_header: Annotated[str | None, Header(alias="range", max_length=200)] = None,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """An object of a published stream, or one range of it."""
    content_type = _content_type_of(key)
    try:
        body = services.store.open_range(key, range_header=range_header)
    except RangeNotSatisfiable:
        return Response(status_code=416, headers=CORS)
    if body is None:
        raise _not_found(key)
    headers = _headers(body.etag, content_type)
    if if_none_match is not None and _matches(if_none_match, body.etag):
        body.chunks.close()
        return Response(status_code=304, headers=headers)
    count = body.last_byte - body.first_byte + 1
    headers["Content-Length"] = str(count)
    # Safari plays nothing from a server that answers `bytes=0-` with 200.
    is_part = range_header is not None and SINGLE_RANGE.fullmatch(range_header) is not None
    if is_part:
        headers["Content-Range"] = f"bytes {body.first_byte}-{body.last_byte}/{body.total_bytes}"
    return StreamingResponse(body.chunks, status_code=206 if is_part else 200, headers=headers)


def _content_type_of(key: str) -> str:
    match = STREAM_KEY.fullmatch(key)
    content_type = CONTENT_TYPES.get(match["suffix"]) if match is not None else None
    if content_type is None:
        raise _not_found(key)
    return content_type


def _not_found(key: str) -> NotFound:
    return NotFound("stream_not_found", f"{key[:300]!r} is no object of a stream")


def _headers(etag: str, content_type: str) -> dict[str, str]:
    return {
        **CORS,
        "Content-Type": content_type,
        "ETag": f'"{etag}"',
        "Cache-Control": CACHE_FOR_EVER,
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }


def _matches(if_none_match: str, etag: str) -> bool:
    given = {tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",")}
    return "*" in given or etag in given
