"""How this product talks to Redis: briefly. It holds only what may be lost, so nothing waits for it."""

import time
from types import TracebackType
from typing import Self

import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline.logs import get_logger

log = get_logger(__name__)

# Redis answers within a millisecond; after this it is as good as gone.
TIMEOUT_S = 0.5
# How long nothing is tried after a failure, so that a dead Redis costs nothing.
REST_S = 5.0


def connect(url: SecretStr, *, connections: int = 4) -> "redis.Redis":
    """A client with short timeouts and no retries of its own. It connects with the first command."""
    return redis.Redis.from_url(
        url.get_secret_value(),
        decode_responses=True,
        # RESP2 needs no HELLO, which a narrow ACL user would have to be given.
        protocol=2,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        max_connections=connections,
    )


class BestEffort:
    """A block in which a Redis that fails is noted and forgiven; `is_resting` says that it is not worth a try yet."""

    def __init__(self) -> None:
        self._rest_until = 0.0

    @property
    def is_resting(self) -> bool:
        return time.monotonic() < self._rest_until

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, redis.RedisError | OSError):
            return False
        self._rest_until = time.monotonic() + REST_S
        log.warning("redis_unavailable", error=type(error).__name__, detail=str(error), rests_s=REST_S)
        return True
