"""An embedded Postgres 18 on 127.0.0.1: one database, owned by one role that is not the superuser."""

import os
import pwd
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import psutil
import psycopg
from psycopg import sql

from pipeline.embedded.ending import kill_tree
from pipeline.embedded.folder import write_private
from pipeline.embedded.programs import postgres_program
from pipeline.embedded.supervisor import Account, Program, Supervisor

NAME = "postgres"
ROLE = "academy"
DATABASE = "academy"
SUPERUSER = "postgres"
INITDB_WITHIN_S = 120.0
# Recovery after a crash comes before the first answer.
READY_WITHIN_S = 60.0

# For a laptop: the default of 128 MB and 100 connections is for a server. `fsync` stays on.
OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "shared_buffers": "64MB",
        "max_connections": "45",
        "max_wal_size": "256MB",
        "min_wal_size": "32MB",
        "max_parallel_workers_per_gather": "0",
        "log_min_duration_statement": "1000",
    }
)

# smart, fast and immediate shutdown are SIGTERM, SIGINT and SIGQUIT: fast ends sessions and writes a checkpoint.
STOPPING = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0))


@contextmanager
def open_postgres(supervisor: Supervisor, *, options: Mapping[str, str] = OPTIONS) -> Iterator[str]:
    """Run Postgres on the data folder and yield the address of its database.

    Raises `Unavailable` where the server is not installed or does not start.
    """
    account = _unprivileged_account()
    folder = supervisor.folder
    home = folder.part(NAME)
    if account is not None:
        os.chown(home, account.uid, account.gid)
    passwords = {SUPERUSER: folder.secret("postgres_superuser"), ROLE: folder.secret("postgres_role")}
    _make_cluster(supervisor, home, passwords[SUPERUSER], account)

    def program(port: int) -> Program:
        settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", **options}
        return Program(
            name=NAME,
            argv=(str(postgres_program("postgres")), "-D", str(home / "data"), *_as_arguments(settings)),
            stopping=STOPPING,
            environment=_environment(),
            folder=home,
            account=account,
        )

    def address(user: str, database: str, port: int) -> str:
        return f"postgresql://{user}:{passwords[user]}@127.0.0.1:{port}/{database}"

    def answers(port: int) -> bool:
        try:
            with psycopg.connect(address(SUPERUSER, "postgres", port), connect_timeout=2) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    _stop_unrecorded(home / "data")
    with supervisor.run_on_free_port(NAME, program, answers, within_s=READY_WITHIN_S) as port:
        _make_role_and_database(address(SUPERUSER, "postgres", port), passwords[ROLE])
        yield address(ROLE, DATABASE, port)


def _unprivileged_account() -> Account | None:
    """Whom Postgres runs as when we are root, which it refuses for itself."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _environment() -> dict[str, str]:
    """Nothing of ours: PG… variables would change what the server and initdb do."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _make_cluster(supervisor: Supervisor, home: Path, superuser_password: str, account: Account | None) -> None:
    """initdb, under another name first: one that was interrupted is thrown away by the next start."""
    if (home / "data").exists():
        return
    unfinished = home / "unfinished"
    password_file = home / "password"
    arguments = {
        "--pgdata": unfinished,
        "--username": SUPERUSER,
        "--pwfile": password_file,
        "--auth": "scram-sha-256",
        "--encoding": "UTF8",
        # Of Postgres' own, so that sorting and case do not depend on what the machine has installed.
        "--locale": "C",
        "--locale-provider": "builtin",
        "--builtin-locale": "C.UTF-8",
    }
    initdb = Program(
        name="initdb",
        argv=(str(postgres_program("initdb")), *(f"{option}={value}" for option, value in arguments.items())),
        stopping=((signal.SIGINT, 10.0),),
        environment=_environment(),
        folder=home,
        account=account,
    )
    if unfinished.exists():
        shutil.rmtree(unfinished)
    write_private(password_file, superuser_password)
    try:
        if account is not None:
            os.chown(password_file, account.uid, account.gid)
        supervisor.run_to_end(initdb, within_s=INITDB_WITHIN_S)
    finally:
        password_file.unlink(missing_ok=True)
    unfinished.rename(home / "data")


def _stop_unrecorded(data: Path) -> None:
    """Deal with a `postmaster.pid` that was left behind, where no record of ours names its process.

    Postgres takes any living process with that pid for itself; after a restart of a container, where pids begin
    again, that is soon somebody else.
    """
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    with suppress(ValueError, IndexError, psutil.NoSuchProcess):
        process = psutil.Process(int(lock.read_text().splitlines()[0]))
        if process.name() == "postgres" and Path(process.cwd()) == data:
            kill_tree(process)
    lock.unlink(missing_ok=True)


def _make_role_and_database(superuser_address: str, role_password: str) -> None:
    with psycopg.connect(superuser_address, autocommit=True, connect_timeout=5) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
            connection.execute(create.format(sql.Identifier(ROLE), sql.Literal(role_password)))
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            create = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))


def _as_arguments(settings: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
