"""Servers as child processes of ours: started, waited for, stopped.

A server runs in a session of its own, so that Ctrl-C reaches only us and we stop everything in order. When we
are killed, Linux sends each server its first stopping signal; elsewhere, and for what lingers, its record in
the data folder lets the next start end it.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from pipeline.embedded.ending import POLL_S, end_process, find_leftovers
from pipeline.embedded.folder import DataFolder, open_folder, port_is_free
from pipeline.errors import Unavailable

LAUNCH = Path(__file__).with_name("launch.py")
START_TRIES = 3
LOG_TAIL_LINES = 15
LOG_TAIL_BYTES = 8192


@dataclass(frozen=True)
class Account:
    """The user and group that a server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """A server as it is started. Nothing secret may stand in `argv`: every user of the machine can read that.

    The environment is all that the server gets. `stopping` is as in `pipeline.embedded.ending`.
    """

    name: str
    argv: tuple[str, ...]
    stopping: tuple[tuple[signal.Signals, float], ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    account: Account | None = None


@dataclass(frozen=True)
class Server:
    """A started server."""

    name: str
    log: Path
    child: subprocess.Popen[bytes] = field(repr=False)

    def is_alive(self) -> bool:
        return self.child.poll() is None


@dataclass(frozen=True)
class Supervisor:
    """Starts servers on one data folder. Once `hurry` is set, whatever still runs is killed instead of asked."""

    folder: DataFolder
    hurry: threading.Event
    servers: list[Server] = field(default_factory=list)
    """Those that are ready, in the order of their start."""

    @contextmanager
    def run(self, program: Program, ready: Callable[[], bool], *, within_s: float) -> Iterator[Server]:
        """Start the server, wait until it is `ready`, and stop it at the end.

        Raises `Unavailable` with the end of its log where it exits, or is not ready within `within_s` seconds.
        Call it from a thread that lives as long as the server: Linux takes that thread for the parent.
        """
        with self._start(program) as server:
            deadline = time.monotonic() + within_s
            while not ready():
                if not server.is_alive():
                    raise _failure(server, f"exited with code {server.child.returncode}")
                if time.monotonic() > deadline:
                    raise _failure(server, f"did not answer within {within_s:.0f} s")
                time.sleep(POLL_S)
            self.servers.append(server)
            try:
                yield server
            finally:
                self.servers.remove(server)

    def check(self, *, except_for: str | None = None) -> None:
        """Raises `Unavailable`, with the end of its log, where one of the (other) servers has ended by itself."""
        for server in self.servers:
            if server.name != except_for and not server.is_alive():
                raise ended_by_itself(server)

    @contextmanager
    def run_on_free_port(
        self, name: str, make: Callable[[int], Program], ready: Callable[[int], bool], *, within_s: float
    ) -> Iterator[int]:
        """As `run`, on a port that `make` is told; on another one where someone was quicker to take it."""
        port = self.folder.port(name)
        with ExitStack() as running:
            for tries_left in reversed(range(START_TRIES)):
                try:
                    running.enter_context(self.run(make(port), partial(ready, port), within_s=within_s))
                    break
                except Unavailable:
                    if tries_left == 0 or port_is_free("127.0.0.1", port):
                        raise
                    port = self.folder.port(name)
            yield port

    def run_to_end(self, program: Program, *, within_s: float) -> None:
        """Run a program that ends by itself; raises `Unavailable` with the end of its log where it fails."""
        with self._start(program) as server:
            try:
                code = server.child.wait(timeout=within_s)
            except subprocess.TimeoutExpired as exc:
                raise _failure(server, f"did not end within {within_s:.0f} s") from exc
            if code != 0:
                raise _failure(server, f"exited with code {code}")

    @contextmanager
    def _start(self, program: Program) -> Iterator[Server]:
        log = self.folder.log(program.name)
        record = self.folder.record(program.name)
        with log.open("ab") as output:
            child = subprocess.Popen(
                [sys.executable, "-I", str(LAUNCH), _launch(program, record)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=program.folder,
                env=dict(program.environment),
                start_new_session=True,
            )
        try:
            yield Server(program.name, log, child)
        finally:
            if child.poll() is None:
                end_process(psutil.Process(child.pid), program.stopping, self.hurry)
            child.wait(timeout=5)
            record.unlink(missing_ok=True)


@contextmanager
def open_supervisor(root: Path, hurry: threading.Event | None = None) -> Iterator[Supervisor]:
    """Own the data folder, with nothing of an earlier run left alive in it.

    Raises `Unavailable` with the pid of a living owner.
    """
    with open_folder(root) as folder:
        supervisor = Supervisor(folder, hurry or threading.Event())
        for leftover in find_leftovers(folder.part("run")):
            end_process(leftover.process, leftover.stopping, supervisor.hurry)
            folder.record(leftover.name).unlink(missing_ok=True)
        yield supervisor


def log_tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-LOG_TAIL_LINES:])


def _launch(program: Program, record: Path) -> str:
    """What `launch.py` is told."""
    return json.dumps(
        {
            "argv": program.argv,
            "record": str(record),
            "stopping": program.stopping,
            "parent": os.getpid(),
            "account": [program.account.uid, program.account.gid] if program.account else None,
        }
    )


def ended_by_itself(server: Server) -> Unavailable:
    """With the end of its log."""
    return _failure(server, f"ended by itself with code {server.child.returncode}", "has_ended")


def _failure(server: Server, what: str, suffix: str = "does_not_start") -> Unavailable:
    return Unavailable(
        f"{server.name}_{suffix}", f"{server.name} {what}; the end of {server.log}:\n{log_tail(server.log)}"
    )
