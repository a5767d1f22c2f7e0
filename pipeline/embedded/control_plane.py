"""The control plane as the last server of the stack: a child that is asked to stop before its servers are."""

import http.client
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

from pipeline.embedded.folder import port_is_free
from pipeline.embedded.orphans import adopting_orphans
from pipeline.embedded.restarting import Restarted
from pipeline.embedded.supervisor import Program, Server, Supervisor
from pipeline.errors import Unavailable
from pipeline.settings import Settings

NAME = "control_plane"
READY_WITHIN_S = 60.0
READYZ_TIMEOUT_S = 3.0
# Its jobs get 20 s to end and are killed after 30.
STOPPING = ((signal.SIGTERM, 45.0),)
PORTS_TO_TRY = 50
# The folder that holds the packages: `python -m control_plane` works there without an installation too.
PACKAGES = Path(__file__).parents[2]


def choose_port(settings: Settings) -> int:
    """PORT where it is set, which then must be free, else the first free port from its default on."""
    if "port" in settings.model_fields_set:
        if not port_is_free(settings.host, settings.port):
            raise Unavailable("port_in_use", f"PORT is {settings.port}, and {settings.host}:{settings.port} is in use")
        return settings.port
    candidates = range(settings.port, settings.port + PORTS_TO_TRY)
    free = next((port for port in candidates if port_is_free(settings.host, port)), None)
    if free is None:
        raise Unavailable("port_in_use", f"no port from {candidates[0]} to {candidates[-1]} is free; set PORT")
    return free


def reachable_host(host: str) -> str:
    """The host at which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104  to recognise it


@contextmanager
def open_control_plane(
    supervisor: Supervisor, environment: Mapping[str, str], *, host: str, port: int
) -> Iterator[Restarted]:
    """Run `python -m control_plane` with this as its whole environment, and again where it dies.

    Jobs outlive it meanwhile: the next one finds them. Raises `Unavailable` with the end of its log where it does not
    become ready.
    """
    with (
        adopting_orphans(),
        Restarted(lambda: _run(supervisor, environment, host=host, port=port)) as restarted,
    ):
        yield restarted


def _run(
    supervisor: Supervisor, environment: Mapping[str, str], *, host: str, port: int
) -> AbstractContextManager[Server]:
    """Ready is when its own /readyz says so."""
    instance = uuid4().hex
    program = Program(
        name=NAME,
        argv=(sys.executable, "-m", "control_plane"),
        stopping=STOPPING,
        folder=PACKAGES,
        environment={**environment, "INSTANCE": instance},
    )
    return supervisor.run(program, lambda: _is_ready(reachable_host(host), port, instance), within_s=READY_WITHIN_S)


def _is_ready(host: str, port: int, instance: str) -> bool:
    """Whether it is our child that answers: another stack may have taken the port since it was free."""
    connection = http.client.HTTPConnection(host.strip("[]"), port, timeout=READYZ_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        reply = connection.getresponse()
        return reply.status == http.HTTPStatus.OK and json.load(reply)["instance"] == instance
    except (OSError, http.client.HTTPException, ValueError, LookupError):
        return False
    finally:
        connection.close()
