"""Reads a status and a progress key at once, for the call that clients make once a second."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from pipeline.progress.connection import TIMEOUT_S, BestEffort
from pipeline.settings import Settings

CONNECTIONS = 32

StatusAndProgress = tuple[str | bytes | None, str | bytes | None]
NOTHING: StatusAndProgress = (None, None)


class ProgressReader:
    """Knows nothing where Redis is away: for a few seconds after a failure it is not even asked."""

    def __init__(self, client: "Redis | None") -> None:
        self._client = client
        self._best_effort = BestEffort()

    async def read(self, status_key: str, progress_key: str) -> StatusAndProgress:
        """Both values as they are; either may be missing, or not be JSON."""
        if self._client is None or self._best_effort.is_resting:
            return NOTHING
        with self._best_effort:
            status, progress = await self._client.mget(status_key, progress_key)
            return status, progress
        return NOTHING

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
