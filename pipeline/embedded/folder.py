"""The data folder: one owner at a time, its secrets, its ports, and where everything in it lies."""

import errno
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Unavailable

LOG_KEPT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class DataFolder:
    """Paths below `root`. Whoever has it has the lock: see `open_folder`."""

    root: Path

    def part(self, name: str) -> Path:
        """The folder of one server's data, made if need be and closed to other users."""
        path = self.root / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def record(self, name: str) -> Path:
        """Holds the pid and create_time of the server `name` while it runs."""
        return self.part("run") / f"{name}.json"

    def log(self, name: str) -> Path:
        """The log of the server `name`; a long one is moved aside, so that two files are the most there is."""
        path = self.part("logs") / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_KEPT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def secret(self, name: str) -> str:
        """A random secret of 32 bytes, made once."""
        path = self.root / "secrets.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if name not in known:
            known[name] = secrets.token_urlsafe(32)
            write_private(path, json.dumps(known, indent=1))
        return known[name]

    def port(self, name: str) -> int:
        """A free port of 127.0.0.1 for the server `name`: the one that it had last time, if that is free."""
        path = self.root / "ports.json"
        known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        last = known.get(name)
        port = last if last is not None and port_is_free("127.0.0.1", last) else _any_port()
        if port != last:
            write_private(path, json.dumps(known | {name: port}, indent=1))
        return port


@contextmanager
def open_folder(root: Path) -> Iterator[DataFolder]:
    """Own the data folder until the end; raises `Unavailable` with the pid of another owner.

    The lock is the kernel's, so it ends with its process, however that ends.
    """
    root = root.expanduser().absolute()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (root / "up.lock").open("a+")
    except OSError as exc:
        raise Unavailable(
            "data_folder_unusable", f"cannot use the data folder {root}: {exc.strerror}; set ACADEMY_DATA"
        ) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            if exc.errno not in {errno.EWOULDBLOCK, errno.EAGAIN}:
                raise Unavailable("data_folder_unusable", f"cannot lock {root}: {exc.strerror}") from exc
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise Unavailable("data_folder_in_use", f"{root} is in use by the process with pid {owner}") from exc
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield DataFolder(root)


def write_private(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner only; a crash leaves the old one."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now; raises `Unavailable` where it could not, whoever else does."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do it: connections of the last run that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                return False
            raise Unavailable("address_unusable", f"nothing can listen on {host}:{port}: {exc.strerror}") from exc
    return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
