"""The pages that people open in a browser: the player at /watch/{video_id}, and the API's documentation at /docs.

Both are shells without data and need no token; their scripts call the API like any other client. The player's token
stands in the URL's fragment, which browsers never send. Nothing is loaded from another host: what comes from npm
is installed into this folder by `npm ci` and served from here.
"""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from control_plane.services import Wired
from pipeline.contracts.transcode import STEPS
from pipeline.errors import NotFound
from pipeline.reasons import REFUSALS, SENTENCES

FOLDER: Final = Path(__file__).parent
PACKAGES: Final = FOLDER / "node_modules"

# What may be asked for below /static: our own files, and those few of the npm packages that a page loads.
STATIC_FILES: Final[dict[str, Path]] = {
    **{path.name: path for path in sorted((FOLDER / "static").iterdir())},
    "hls.min.js": PACKAGES / "hls.js" / "dist" / "hls.min.js",
    "swagger-ui.css": PACKAGES / "swagger-ui-dist" / "swagger-ui.css",
    "swagger-ui-bundle.js": PACKAGES / "swagger-ui-dist" / "swagger-ui-bundle.js",
}

# Browsers ask again each time and mostly hear 304: an upgrade never runs an old script against a new page.
REVALIDATE: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}

WORDS: Final = {
    "steps": {step.name: {"en": step.display_en, "ko": step.display_ko} for step in STEPS},
    "reasons": {str(reason): {"en": said.en, "ko": said.ko} for reason, said in (SENTENCES | REFUSALS).items()},
}


router = APIRouter(include_in_schema=False)
_files = StaticFiles(directory=FOLDER)


def content_security_policy(cdn_base_url: str) -> str:
    """The page's own scripts and styles, this API, and the host that streams are read from; nothing inline."""
    cdn = urlsplit(cdn_base_url)
    readable = f"'self' {cdn.scheme}://{cdn.netloc}"
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": readable,
        "img-src": f"{readable} data:",
        # hls.js plays through a blob: URL of the page's own.
        "media-src": f"{readable} blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _page(name: str, *, cdn_base_url: str) -> HTMLResponse:
    headers = {"Content-Security-Policy": content_security_policy(cdn_base_url), "Referrer-Policy": "no-referrer"}
    return HTMLResponse((FOLDER / "pages" / name).read_text(encoding="utf-8"), headers=REVALIDATE | headers)


# The page's script reads the identifier from the address; its calls find out what it names.
@router.get("/watch/{_video_id}")
def watch(_video_id: str, services: Wired) -> HTMLResponse:
    return _page("watch.html", cdn_base_url=services.cdn_base_url)


@router.get("/docs")
def documentation(services: Wired) -> HTMLResponse:
    return _page("docs.html", cdn_base_url=services.cdn_base_url)


@router.get("/static/words.json")
def words() -> JSONResponse:
    return JSONResponse(WORDS, headers=REVALIDATE)


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    path = STATIC_FILES.get(name)
    if path is None:
        raise NotFound("not_found", f"no static file {name!r}")
    if not path.is_file():
        raise NotFound("player_not_installed", f"{name} is missing: run `npm ci` in control_plane/watch")
    response = await _files.get_response(str(path.relative_to(FOLDER)), request.scope)
    response.headers.update(REVALIDATE)
    return response
