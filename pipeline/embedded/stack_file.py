"""`stack.json`: how the command line finds the stack that runs on this machine. Only its owner can read it."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pipeline.embedded.ending import is_same_process
from pipeline.embedded.folder import write_private

STACK_FILE = "stack.json"


@dataclass(frozen=True)
class RunningStack:
    """Where the API is, and the secret that it checks tokens with: None where it checks them by a JWKS URL."""

    api_url: str
    pid: int
    jwt_secret: str | None = field(repr=False)


def write_stack_file(data: Path, *, api_url: str, jwt_secret: str | None) -> None:
    """Say that this process runs the stack."""
    me = psutil.Process()
    stack: dict[str, object] = {"api_url": api_url, "pid": os.getpid(), "create_time": me.create_time()}
    if jwt_secret is not None:
        stack["jwt_secret"] = jwt_secret
    write_private(data / STACK_FILE, json.dumps(stack, indent=1))


def remove_stack_file(data: Path) -> None:
    (data / STACK_FILE).unlink(missing_ok=True)


def find_running_stack(data: Path) -> RunningStack | None:
    """The stack on this data folder, None where none is alive; a file that a killed one left does not count."""
    try:
        stack = json.loads((data.expanduser() / STACK_FILE).read_text())
        if is_same_process(stack["pid"], stack["create_time"]):
            return RunningStack(stack["api_url"], stack["pid"], stack.get("jwt_secret"))
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return None
