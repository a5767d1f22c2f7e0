"""`academy up` as a person meets it: a process that is started, interrupted and killed."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import psutil
import requests

from pipeline.embedded.stack_file import find_running_stack
from tests.fixtures.waiting import PATIENCE_S, wait_for

ROOT = Path(__file__).parents[2]
# Nothing of the settings of whoever runs the tests.
PASSED = ("PATH", "HOME", "LANG")


@contextmanager
def academy(command: str, data: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The process; killed at the end of the test if it is still there."""
    inherited = {name: os.environ[name] for name in PASSED if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", command, *arguments],
        cwd=ROOT,
        env={**inherited, "ACADEMY_DATA": str(data), "COLUMNS": "200", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A process group of its own, as a shell gives to what it runs.
        process_group=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def stack_of(data: Path, process: subprocess.Popen[str]) -> dict[str, object]:
    """What `stack.json` says, once the stack is up."""

    def up() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return find_running_stack(data) is not None

    wait_for(up, "the stack is up")
    stack: dict[str, object] = json.loads((data / "stack.json").read_text())
    return stack


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What it says, to the end of the line with the text."""
    output = process.stdout
    assert output is not None
    said: list[str] = []

    def heard() -> bool:
        line = output.readline()
        assert line, "".join(said)
        said.append(line)
        return text in line

    wait_for(heard, text)
    return "".join(said)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def ctrl_c(process: subprocess.Popen[str]) -> None:
    """A terminal sends it to the whole process group."""
    os.killpg(process.pid, signal.SIGINT)


def names(processes: list[psutil.Process]) -> str:
    return " ".join(" ".join(process.cmdline()) for process in processes)


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def test_when_up_is_killed_everything_ends_and_the_next_one_serves_the_same_data_until_ctrl_c(tmp_path: Path):
    with academy("up", tmp_path) as process:
        killed = stack_of(tmp_path, process)
        started = family(process)
        process.kill()
        wait_for(lambda: all_gone(started), "all servers have ended")
    assert find_running_stack(tmp_path) is None
    with academy("up", tmp_path) as process:
        stack = stack_of(tmp_path, process)
        assert stack["jwt_secret"] == killed["jwt_secret"]
        assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600
        claims = {"tenant_id": "demo", "user_id": "t", "role": "operator", "exp": int(time.time()) + 600}
        token = jwt.encode(claims, str(stack["jwt_secret"]), algorithm="HS256")
        answer = requests.get(
            f"{stack['api_url']}/api/v1/media/videos", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        assert answer.json()["items"] == []
        secret = json.loads((tmp_path / "secrets.json").read_text())["metrics"]
        figures = requests.get(f"{stack['api_url']}/metrics", headers={"Authorization": f"Bearer {secret}"}, timeout=30)
        assert 'academy_api_seconds_count{caller="people"} 1.0' in figures.text

        started = family(process)
        for part in ("bin/postgres", "valkey-server", "rclone", "control_plane"):
            assert part in names(started)
        ctrl_c(process)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said
    assert all_gone(started)
    assert not (tmp_path / "stack.json").exists()
    assert list((tmp_path / "run").iterdir()) == []
    # A table of addresses, and nothing secret in it.
    for line in (f"{stack['api_url']}/docs", str(tmp_path), "Postgres", "/watch/"):
        assert line in said
    assert not [secret for secret in json.loads((tmp_path / "secrets.json").read_text()).values() if secret in said]


def interrupt(data: Path, moment: str) -> None:
    """Start it, and stop it as soon as the file is there."""
    with academy("up", data) as process:
        wait_for((data / moment).exists, moment)
        started = family(process)
        ctrl_c(process)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said
        assert "Traceback" not in said
    assert all_gone(started)


def test_up_can_be_interrupted_while_it_starts_again_while_it_stops_and_is_refused_to_a_second_one(tmp_path: Path):
    for moment in ("run/initdb.json", "run/control_plane.json"):
        interrupt(tmp_path, moment)
    with academy("up", tmp_path) as process:
        stack_of(tmp_path, process)
        with academy("up", tmp_path) as second:
            said, _ = second.communicate(timeout=PATIENCE_S)
            assert second.returncode == 5
            assert re.search(rf"in use by the process with pid {process.pid}\b", said)
        assert find_running_stack(tmp_path) is not None
        started = family(process)
        control_plane = next(p for p in started if "control_plane" in names([p]))
        control_plane.suspend()  # Without the second interrupt it would be waited for for 45 s.
        ctrl_c(process)
        output = process.stdout
        assert output is not None
        wait_for(lambda: "Stopping" in output.readline(), "it stops")
        ctrl_c(process)
        process.communicate(timeout=30)
    assert all_gone(started)


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path: Path):
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        port = somebody.getsockname()[1]
        with academy("up", tmp_path, PORT=str(port)) as process:
            said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 5
    assert f"PORT is {port}" in said


def test_a_wrong_setting_is_a_sentence_without_its_value(tmp_path: Path):
    with academy("up", tmp_path, LOCAL_WORKERS="a-secret-by-mistake") as process:
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "LOCAL_WORKERS" in said
    assert "a-secret-by-mistake" not in said
    assert "Traceback" not in said


def test_up_starts_a_dead_api_again_and_ends_with_the_reason_when_a_server_dies(tmp_path: Path):
    with academy("up", tmp_path) as process:
        stack = stack_of(tmp_path, process)
        next(p for p in family(process) if "control_plane" in names([p])).kill()
        said = read_until(process, "was started again")
        assert "control_plane ended by itself with code -9" in said
        assert requests.get(f"{stack['api_url']}/readyz", timeout=10).status_code == 200
        started = family(process)
        next(p for p in started if "valkey-server" in names([p])).kill()
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 5
    assert "valkey ended by itself with code -9; the end of" in said
    assert str(tmp_path / "logs" / "valkey.log") in said
    assert "academy up goes on with them" in " ".join(said.split())
    assert all_gone(started)


def test_what_the_settings_name_is_not_started(tmp_path: Path, postgres_url: str, redis_url: str):
    with academy("up", tmp_path, DATABASE_URL=postgres_url, REDIS_URL=redis_url) as process:
        stack_of(tmp_path, process)
        started = names(family(process))
        said = read_until(process, "from the settings")
        process.terminate()
        said += process.communicate(timeout=PATIENCE_S)[0]
    assert "rclone" in started
    assert "postgres" not in started
    assert "valkey" not in started
    password = postgres_url.split(":")[2].split("@", maxsplit=1)[0]
    assert password not in said
