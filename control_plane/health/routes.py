"""Is the process alive, and can it do its work?"""

from typing import Literal

import psycopg
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from control_plane.replies import Reply
from control_plane.services import Services, Wired
from pipeline.errors import AcademyError
from pipeline.logs import get_logger

# Load balancers give up after a few seconds.
DATABASE_TIMEOUT_S = 2.0
# No such object is ever written: a store that says so answers.
STORE_PROBE_KEY = "readyz"

logger = get_logger(__name__)
router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


class Readiness(Reply):
    """`instance` says which of several processes answers."""

    status: Literal["ready", "not_ready"]
    instance: str
    postgres: Literal["up", "down"]
    redis: Literal["up", "down"]
    storage: Literal["up", "down"]


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness, "description": "Not ready"}})
async def readyz(services: Wired) -> JSONResponse:
    """200 where Postgres and the store answer, else 503. Without Redis only percentages are missing: still 200."""
    postgres, store = await run_in_threadpool(_ask_servers, services)
    redis = await services.progress.ping()
    is_ready = postgres and store
    body = {
        "status": "ready" if is_ready else "not_ready",
        "instance": services.settings.instance,
        "postgres": _word(postgres),
        "redis": _word(redis),
        "storage": _word(store),
    }
    return JSONResponse(body, status_code=200 if is_ready else 503)


def _word(is_up: bool) -> str:  # noqa: FBT001
    return "up" if is_up else "down"


def _ask_servers(services: Services) -> tuple[bool, bool]:
    return _postgres_answers(services), _store_answers(services)


def _postgres_answers(services: Services) -> bool:
    try:
        with services.pool.connection(timeout=DATABASE_TIMEOUT_S) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError as exc:
        logger.warning("postgres_unavailable", error=str(exc))
        return False
    return True


def _store_answers(services: Services) -> bool:
    try:
        services.store.find(STORE_PROBE_KEY)
    except AcademyError as exc:
        logger.warning("storage_unavailable", error=str(exc))
        return False
    return True
