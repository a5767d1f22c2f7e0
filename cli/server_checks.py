"""Whether the servers can be had: the configured ones answer, the embedded ones are installed."""

import subprocess
from collections.abc import Callable, Iterator

import psycopg
import redis

from cli.checks import Check, Finding
from pipeline.embedded.programs import postgres_program, rclone_program, valkey_program, version_of
from pipeline.embedded.stack_file import find_running_stack
from pipeline.errors import AcademyError
from pipeline.settings import Settings
from pipeline.storage.opening import open_store

TIMEOUT_S = 5
# Any key: the answer that it is not there is an answer.
NO_SUCH_KEY = "tenants/doctor/none"


def check_servers(settings: Settings) -> Iterator[Check]:
    if settings.database_url is None:
        yield _installed("Postgres", lambda: version_of(postgres_program("postgres"), "--version"))
    else:
        yield _answers("Postgres", lambda: _postgres_version(settings))
    if settings.redis_url is None:
        yield _installed("Redis", lambda: version_of(valkey_program(), "--version"))
    else:
        yield _answers("Redis", lambda: _redis_version(settings))
    if settings.s3_endpoint_url is None:
        yield _installed("Object store", lambda: version_of(rclone_program(), "version"))
    else:
        yield _answers("Object store", lambda: _object_store(settings))
    yield _stack(settings)


def _installed(subject: str, ask: Callable[[], str]) -> Check:
    try:
        return Check(subject, Finding.GOOD, f"embedded: {ask()}")
    except AcademyError as exc:
        return Check(subject, Finding.BROKEN, exc.detail)
    except (OSError, subprocess.SubprocessError) as exc:
        return Check(subject, Finding.BROKEN, f"embedded: {exc}")


def _answers(subject: str, ask: Callable[[], str]) -> Check:
    """The texts of these drivers' errors name hosts and users, never passwords."""
    try:
        return Check(subject, Finding.GOOD, f"from the settings: {ask()}")
    except AcademyError as exc:
        return Check(subject, Finding.BROKEN, f"from the settings: {exc.detail}")
    except (psycopg.Error, redis.RedisError, ValueError) as exc:
        return Check(subject, Finding.BROKEN, f"from the settings: {exc}")


def _postgres_version(settings: Settings) -> str:
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    with psycopg.connect(url, connect_timeout=TIMEOUT_S) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')} at {connection.info.host}"


def _redis_version(settings: Settings) -> str:
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    with redis.Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S) as client:
        server = client.info("server")
        return f"{server.get('server_name', 'redis')} {server.get('valkey_version') or server.get('redis_version')}"


def _object_store(settings: Settings) -> str:
    with open_store(settings) as store:
        store.find(NO_SUCH_KEY)
    return f"bucket {settings.s3_bucket} at {settings.s3_endpoint_url}"


def _stack(settings: Settings) -> Check:
    running = find_running_stack(settings.academy_data)
    if running is None:
        return Check("Stack", Finding.ABSENT, "not running; start it with `academy up`")
    return Check("Stack", Finding.GOOD, f"runs at {running.api_url} (pid {running.pid})")
