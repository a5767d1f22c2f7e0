"""What /docs and the schema at /openapi.json say besides the routes' own docstrings."""

import warnings
from typing import Any, Final

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.types import Lifespan

from control_plane.failures import OF_JOBS, OF_READERS

TITLE: Final = "Academy media pipeline"

DESCRIPTION: Final = """\
Lectures become adaptive HLS streams, scanned answer sheets become marks.

### Calling

Send `Authorization: Bearer TOKEN`: a JSON Web Token with `tenant_id`, `user_id`, `role` and `exp`. The roles are
`teacher`, `operator` and `viewer`, who may only read. Everything belongs to the token's tenant; what is another's looks
as if it were not there. Pages of any origin may call: no cookie is ever used. A path works with and without its
trailing slash.

### From a file to a stream

1. `POST /api/v1/media/videos/upload/init` with the file's name, type and exact size: a PENDING video and, in `upload`,
   where the file is to be put. There is one PUT, or above 100 MiB one for each part.
2. PUT the bytes there, with the `headers` that were given and without the bearer token. They expire after `expires_s`
   seconds; `upload/init` with `video_id` gives new ones.
3. `POST …/upload/complete`: the file is checked, and its job begins. However often you call, there is one job.
4. `GET …/progress`, once a second, until `status` is READY or FAILED.
5. `GET …/{video_id}`: give `hls_url` to any HLS player. `/watch/{video_id}#token=TOKEN` is a page with such a player.

In a browser, which sets Content-Length itself and lets no page set it, and which knows no type of some files:

```js
const { id, upload } = await post("/media/videos/upload/init", {
  title, filename: file.name, content_type: file.type || "video/mp4", size: file.size,
});
const put = ({ url, headers }, body) => {
  const { "Content-Length": _, ...sent } = headers;
  return fetch(url, { method: "PUT", headers: sent, body });
};
let parts = [];
if ("parts" in upload) {
  for (const part of upload.parts) {
    const first = (part.number - 1) * upload.part_bytes;
    const answer = await put(part, file.slice(first, first + upload.part_bytes));
    parts.push({ number: part.number, etag: answer.headers.get("ETag") });
  }
} else {
  await put(upload, file);
}
await post(`/media/videos/${id}/upload/complete`, { parts });
```

### When something is refused

Every answer that is not 2xx has the same fields, `reason`, `detail` and `request_id`; go by `reason`. Why a video or a
sheet FAILED, or why an upload was refused, also stands on its row: `error_reason` is the code, `error_message` says it
in English and Korean.

### Lists

Newest first unless it says otherwise. `limit` is at most 200; send `next_cursor` as `cursor` for the next page, until
it is null.
"""

TAGS: Final[list[dict[str, Any]]] = [
    {"name": "videos", "description": "Upload lectures, follow the work on them, play them."},
    {"name": "omr", "description": "Scans of answer sheets: templates, batches, sheets, and what a person reviews."},
    {"name": "jobs", "description": "What works on videos and batches, for those who operate it."},
    {"name": "health", "description": "For load balancers; no token is needed."},
    {"name": "cdn", "description": "Published streams, where no CDN stands before the store; no token is needed."},
    {"name": "internal", "description": "What jobs call, each with a token of its own; not for clients."},
]

# It only tells the schema: `control_plane.auth` reads the header itself, since its refusals have reasons.
_BEARER: Final = HTTPBearer(
    auto_error=False, bearerFormat="JWT", scheme_name="token", description="A JWT with tenant_id, user_id and role."
)
_JOB_BEARER: Final = HTTPBearer(
    auto_error=False, bearerFormat="JWT", scheme_name="job", description="What a job's process is started with."
)


def documented_app(lifespan: Lifespan[FastAPI]) -> FastAPI:
    """The page comes from control_plane/watch: FastAPI's own loads its scripts from a CDN."""
    # FastAPI silences this while it makes the validators of bodies; those of contracts are made when first used.
    warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)
    return FastAPI(
        title=TITLE,
        # The API's, as its paths have it.
        version="v1",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )


# What the schema says of every call that a user's token is needed for.
FOR_USERS: Final[dict[str, Any]] = {"dependencies": [Security(_BEARER)], "responses": OF_READERS}
# And of those that a job makes with its own.
FOR_JOBS: Final[dict[str, Any]] = {"dependencies": [Security(_JOB_BEARER)], "responses": OF_JOBS}
