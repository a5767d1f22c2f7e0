"""A real Valkey, read as an operator would."""

from collections.abc import Iterator

import pytest
import redis


@pytest.fixture
def cache(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url, decode_responses=True, socket_timeout=5) as client:
        yield client
