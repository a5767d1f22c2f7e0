"""An embedded Valkey 9 on 127.0.0.1, with one user for the control plane and one for jobs."""

import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from pipeline.embedded.folder import write_private
from pipeline.embedded.programs import valkey_program
from pipeline.embedded.supervisor import Program, Supervisor
from pipeline.progress.keys import JOB_COMMANDS, JOB_KEY_PATTERNS

NAME = "valkey"
JOB_USER = "job"
READY_WITHIN_S = 20.0
# A cache: full, it forgets what was not read for longest. About 100,000 videos.
MAX_MEMORY = "128mb"
# It saves on SIGTERM.
STOPPING = ((signal.SIGTERM, 10.0),)


@dataclass(frozen=True)
class CacheAddresses:
    """The control plane's address, and the one of the user that may touch progress keys only."""

    url: str = field(repr=False)
    job_url: str = field(repr=False)


@contextmanager
def open_valkey(supervisor: Supervisor) -> Iterator[CacheAddresses]:
    """Run Valkey on the data folder; raises `Unavailable` where it is not installed or does not start."""
    folder = supervisor.folder
    home = folder.part(NAME)
    password, job_password = folder.secret("valkey"), folder.secret("valkey_job")
    write_private(home / "users.acl", _users(password, job_password))

    def program(port: int) -> Program:
        write_private(home / "valkey.conf", _configuration(home, port))
        return Program(
            name=NAME, argv=(str(valkey_program()), str(home / "valkey.conf")), stopping=STOPPING, folder=home
        )

    def answers(port: int) -> bool:
        try:
            with redis.Redis.from_url(
                f"redis://:{password}@127.0.0.1:{port}/0", socket_connect_timeout=2, socket_timeout=2
            ) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            # BusyLoadingError, while it reads its file, is a ConnectionError.
            return False

    with supervisor.run_on_free_port(NAME, program, answers, within_s=READY_WITHIN_S) as port:
        yield CacheAddresses(
            url=f"redis://:{password}@127.0.0.1:{port}/0",
            job_url=f"redis://{JOB_USER}:{job_password}@127.0.0.1:{port}/0",
        )


def _users(password: str, job_password: str) -> str:
    """The ACL file. Passwords stand in it as their SHA-256."""
    rights = " ".join([*(f"~{pattern}" for pattern in JOB_KEY_PATTERNS), "-@all", *(f"+{c}" for c in JOB_COMMANDS)])
    return (
        f"user default reset on #{_sha256(password)} ~* &* +@all\n"
        f"user {JOB_USER} reset on #{_sha256(job_password)} {rights}\n"
    )


def _configuration(home: Path, port: int) -> str:
    lines = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": _quoted(home),
        "aclfile": _quoted(home / "users.acl"),
        # Snapshots; a crash loses a minute of percentages at most.
        "save": "60 1",
        "dbfilename": "cache.rdb",
        "maxmemory": MAX_MEMORY,
        "maxmemory-policy": "allkeys-lru",
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
