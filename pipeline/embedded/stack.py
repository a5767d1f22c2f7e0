"""The whole stack on this machine: whatever the settings do not name is started, and the control plane last."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from pydantic import SecretStr

from pipeline.database.address import open_address
from pipeline.database.migrate import migrate
from pipeline.embedded.control_plane import NAME as CONTROL_PLANE
from pipeline.embedded.control_plane import choose_port, open_control_plane, reachable_host
from pipeline.embedded.folder import port_is_free
from pipeline.embedded.object_store import open_object_store
from pipeline.embedded.postgres import open_postgres
from pipeline.embedded.restarting import Restarted
from pipeline.embedded.stack_file import remove_stack_file, write_stack_file
from pipeline.embedded.supervisor import Supervisor, open_supervisor
from pipeline.embedded.valkey import open_valkey
from pipeline.errors import Invalid, Unavailable
from pipeline.logs import redact_text
from pipeline.settings import Settings
from pipeline.storage.opening import open_store


@dataclass(frozen=True)
class Part:
    """One server of the stack, and where it is, without its credentials."""

    title: str
    address: str
    embedded: bool


@dataclass(frozen=True)
class Stack:
    """A stack that is up."""

    api_url: str
    data: Path
    parts: tuple[Part, ...]
    jwt_secret: str | None
    supervisor: Supervisor
    control_plane: Restarted

    def check(self) -> str | None:
        """What has happened since, None for nothing: a control plane that died was started again.

        Raises `Unavailable`, with the end of its log, once another part has ended by itself, or that one too often.
        """
        # Of several that are dead the servers come first: without them it would not start.
        self.supervisor.check(except_for=CONTROL_PLANE)
        return self.control_plane.mend()


@contextmanager
def open_stack(settings: Settings, hurry: threading.Event | None = None) -> Iterator[Stack]:
    """Start everything, and stop it in reverse order at the end; once `hurry` is set, by killing it.

    Raises `Unavailable` where the data folder has another owner or a server does not start.
    """
    with ExitStack() as running:
        supervisor = running.enter_context(open_supervisor(settings.academy_data, hurry))
        data = supervisor.folder.root
        remove_stack_file(data)
        # Before anything is started: a PORT that is taken is said at once.
        choose_port(settings)

        environment = _open_servers(settings, supervisor, running)
        environment |= _secrets(settings, supervisor)
        environment |= {"ACADEMY_DATA": str(data), "HOST": settings.host}
        _migrate(settings, environment["DATABASE_URL"])
        api_url, control_plane = _open_control_plane(settings, supervisor, running, environment)

        running.callback(remove_stack_file, data)
        jwt_secret = environment.get("JWT_SECRET")
        write_stack_file(data, api_url=api_url, jwt_secret=jwt_secret)
        yield Stack(api_url, data, _parts(settings, environment), jwt_secret, supervisor, control_plane)


def _migrate(settings: Settings, database_url: str) -> None:
    """Raises `Unavailable` where a database of the settings does not answer or does not allow it."""
    where = _without_credentials(database_url)
    try:
        migrate(open_address(settings)() if settings.database_url is not None else database_url)
    except psycopg.Error as exc:
        if isinstance(exc, psycopg.ProgrammingError) and exc.sqlstate is None:
            # Its text is the address itself, with its password.
            raise Invalid("settings_invalid", "DATABASE_URL is not like postgresql://user:password@host/name") from None
        raise Unavailable("database_unavailable", f"{where}: {redact_text(str(exc))}") from exc


def _open_control_plane(
    settings: Settings, supervisor: Supervisor, running: ExitStack, environment: dict[str, str]
) -> tuple[str, Restarted]:
    """Start it and return its address too; where another process takes the port meanwhile, at the next one."""
    while True:
        port = choose_port(settings)
        api_url = f"http://{reachable_host(settings.host)}:{port}"
        addresses = {
            "PORT": str(port),
            "CONTROL_PLANE_URL": settings.control_plane_url or api_url,
            "PUBLIC_URL": settings.public_url or api_url,
        }
        whole = {**os.environ, **environment, **addresses}
        try:
            control_plane = running.enter_context(open_control_plane(supervisor, whole, host=settings.host, port=port))
        except Unavailable:
            # `choose_port` ends this: it gives each port once, and raises where PORT itself is taken.
            if port_is_free(settings.host, port):
                raise
        else:
            return api_url, control_plane


def _open_servers(settings: Settings, supervisor: Supervisor, running: ExitStack) -> dict[str, str]:
    """Start what has no address, and return the environment that names all servers, both kinds."""
    environment = {}
    if settings.database_url is None:
        environment["DATABASE_URL"] = running.enter_context(open_postgres(supervisor))
    else:
        environment["DATABASE_URL"] = settings.database_url.get_secret_value()
    if settings.redis_url is None:
        cache = running.enter_context(open_valkey(supervisor))
        environment |= {"REDIS_URL": cache.url, "JOB_REDIS_URL": cache.job_url}
    else:
        environment["REDIS_URL"] = settings.redis_url.get_secret_value()
    if settings.s3_endpoint_url is None:
        store = running.enter_context(open_object_store(supervisor, settings.s3_bucket))
        environment |= {
            "S3_ENDPOINT_URL": store.endpoint_url,
            "S3_REGION": store.region,
            "S3_BUCKET": settings.s3_bucket,
            "S3_ACCESS_KEY_ID": store.access_key_id,
            "S3_SECRET_ACCESS_KEY": store.secret_access_key,
            "S3_CONDITIONAL_WRITES": "false",
        }
    else:
        # A key that is missing is said at once, not by a control plane that does not start.
        with open_store(settings):
            environment["S3_ENDPOINT_URL"] = settings.s3_endpoint_url
    return environment


def _secrets(settings: Settings, supervisor: Supervisor) -> dict[str, str]:
    """The secrets of tokens and of /metrics: those of the settings, else the data folder's own."""

    def value(configured: SecretStr | None, name: str) -> str:
        return configured.get_secret_value() if configured is not None else supervisor.folder.secret(name)

    environment = {
        "JOB_TOKEN_SECRET": value(settings.job_token_secret, "job_token"),
        "METRICS_TOKEN": value(settings.metrics_token, "metrics"),
    }
    if settings.jwt_jwks_url is None:
        environment["JWT_SECRET"] = value(settings.jwt_secret, "jwt")
    return environment


def _parts(settings: Settings, environment: dict[str, str]) -> tuple[Part, ...]:
    return (
        Part("Postgres", _without_credentials(environment["DATABASE_URL"]), settings.database_url is None),
        Part("Redis", _without_credentials(environment["REDIS_URL"]), settings.redis_url is None),
        Part("Object store", _without_credentials(environment["S3_ENDPOINT_URL"]), settings.s3_endpoint_url is None),
    )


def _without_credentials(address: str) -> str:
    """Scheme, host, port and path: what stands before an `@` or behind a `?` may be a secret."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
