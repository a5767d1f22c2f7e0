"""Reads a status and a progress key at once, for the call that clients make once a second."""

from collections.abc import Sequence

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from pipeline.progress.connection import TIMEOUT_S, BestEffort
from pipeline.settings import Settings

CONNECTIONS = 32

StatusAndProgress = tuple[str | bytes | None, str | bytes | None]


class ProgressReader:
    """Knows nothing where Redis is away: for a few seconds after a failure it is not even asked."""

    def __init__(self, client: "Redis | None") -> None:
        self._client = client
        self._best_effort = BestEffort()

    async def read(self, status_key: str, progress_key: str) -> StatusAndProgress:
        """Both values as they are; either may be missing, or not be JSON."""
        status, progress = await self.read_all([status_key, progress_key])
        return status, progress

    async def read_all(self, keys: Sequence[str]) -> list[str | bytes | None]:
        """The values in the order of the keys."""
        nothing: list[str | bytes | None] = [None] * len(keys)
        if not keys or self._client is None or self._best_effort.is_resting:
            return nothing
        with self._best_effort:
            values: list[str | bytes | None] = await self._client.mget(keys)
            return values
        return nothing

    async def ping(self) -> bool:
        """Whether Redis answers now, resting or not."""
        if self._client is None:
            return False
        with self._best_effort:
            return bool(await self._client.ping())
        return False

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            await self._client.connection_pool.disconnect()


def open_progress_reader(settings: Settings) -> ProgressReader:
    """Connects with its first read; without REDIS_URL it never does."""
    if settings.redis_url is None:
        return ProgressReader(None)
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=CONNECTIONS,
        timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        # A value that is not UTF-8 is as good as one that is not JSON.
        decode_responses=True,
        encoding_errors="replace",
        protocol=2,
    )
    return ProgressReader(Redis(connection_pool=pool))
