"""Supervision, with small Python programs in the place of servers."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.embedded.ending import is_same_process
from pipeline.embedded.orphans import adopting_orphans
from pipeline.embedded.supervisor import Program, Supervisor, open_supervisor
from pipeline.errors import Unavailable
from tests.fixtures.waiting import wait_for

ROOT = Path(__file__).parents[3]
STUBBORN = """
import signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open("child", "w").write(str(child.pid))
open("ready", "w").close()
time.sleep(600)
"""
POLITE = """
import signal, sys, time
def end(*_):
    open("asked", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open("ready", "w").close()
time.sleep(600)
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with open_supervisor(tmp_path / "data") as supervisor:
        yield supervisor


def python(code: str, folder: Path, *, patience_s: float = 10.0) -> Program:
    return Program(
        name="server",
        argv=(sys.executable, "-c", code),
        stopping=((signal.SIGTERM, patience_s),),
        folder=folder,
    )


def ready_file(folder: Path) -> Callable[[], bool]:
    return (folder / "ready").exists


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_server_is_asked_to_stop(supervisor: Supervisor, tmp_path: Path):
    with supervisor.run(python(POLITE, tmp_path), ready_file(tmp_path), within_s=20) as server:
        assert server.is_alive()
        assert supervisor.folder.record("server").exists()
    assert (tmp_path / "asked").exists()
    assert not server.is_alive()
    assert not supervisor.folder.record("server").exists()


def test_a_server_that_does_not_stop_is_killed_with_all_that_descends_from_it(supervisor: Supervisor, tmp_path: Path):
    with supervisor.run(python(STUBBORN, tmp_path, patience_s=0.2), ready_file(tmp_path), within_s=20) as server:
        child = int((tmp_path / "child").read_text())
    assert not server.is_alive()
    wait_for(lambda: is_gone(child), "the server's own child is gone")


def test_in_a_hurry_nobody_is_waited_for(tmp_path: Path):
    hurry = threading.Event()
    with (
        open_supervisor(tmp_path / "data", hurry) as supervisor,
        supervisor.run(python(STUBBORN, tmp_path, patience_s=600), ready_file(tmp_path), within_s=20) as server,
    ):
        hurry.set()
    assert not server.is_alive()


def test_a_server_that_exits_at_its_start_is_an_error_with_its_last_words(supervisor: Supervisor, tmp_path: Path):
    with (
        pytest.raises(Unavailable, match=r"(?s)exited with code 3.*the disk is upside down"),
        supervisor.run(
            python("import sys; print('the disk is upside down'); sys.exit(3)", tmp_path), lambda: False, within_s=20
        ),
    ):
        pass


def test_a_server_that_never_answers_is_stopped(supervisor: Supervisor, tmp_path: Path):
    before = psutil.Process().children()
    with (
        pytest.raises(Unavailable, match="did not answer within"),
        supervisor.run(python(STUBBORN, tmp_path, patience_s=0.1), lambda: False, within_s=1),
    ):
        pass
    assert not supervisor.folder.record("server").exists()
    assert psutil.Process().children() == before


def test_a_server_that_ends_by_itself_is_noticed(supervisor: Supervisor, tmp_path: Path):
    with supervisor.run(python(POLITE, tmp_path), ready_file(tmp_path), within_s=20) as server:
        supervisor.check()
        server.child.kill()
        server.child.wait(timeout=10)
        with pytest.raises(Unavailable, match="server ended by itself with code -9"):
            supervisor.check()


def test_another_port_is_tried_when_somebody_was_quicker(supervisor: Supervisor, tmp_path: Path):
    code = """
import socket, sys, time
listener = socket.socket()
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
open("ready", "w").close()
time.sleep(600)
"""
    taken: list[int] = []

    def make(port: int) -> Program:
        if not taken:
            taken.append(port)
            thief.bind(("127.0.0.1", port))
            thief.listen()
        program = python(code, tmp_path)
        return Program(program.name, (*program.argv, str(port)), program.stopping, program.folder)

    with (
        socket.socket() as thief,
        supervisor.run_on_free_port("server", make, lambda _: ready_file(tmp_path)(), within_s=20) as port,
    ):
        assert port != taken[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to a subreaper")
def test_what_a_killed_server_leaves_is_ended_with_the_stack(supervisor: Supervisor, tmp_path: Path):
    before = psutil.Process().children()
    with adopting_orphans():
        with supervisor.run(python(STUBBORN, tmp_path), ready_file(tmp_path), within_s=20) as server:
            child = int((tmp_path / "child").read_text())
            server.child.kill()
        assert not is_gone(child)
    assert is_gone(child)
    assert psutil.Process().children() == before


PARENT = """
import sys, time
from pathlib import Path
from tests.pipeline.embedded.test_supervisor import POLITE, python, ready_file
from pipeline.embedded.supervisor import open_supervisor
folder = Path(sys.argv[1])
with open_supervisor(folder / "data") as supervisor:
    with supervisor.run(python(POLITE, folder), ready_file(folder), within_s=20):
        print("up", flush=True)
        time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_when_we_are_killed_the_server_stops_by_itself(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        record = json.loads((tmp_path / "data" / "run" / "server.json").read_text())
        parent.kill()
    wait_for(lambda: is_gone(record["pid"]), "the server is gone")
    assert (tmp_path / "asked").exists()


def leave_behind(data: Path, code: str, **changes: float) -> subprocess.Popen[bytes]:
    """A server of an earlier run, with its record."""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=data.parent)
    wait_for(ready_file(data.parent), "the server is ready")
    run = data / "run"
    run.mkdir(parents=True)
    record = {
        "pid": process.pid,
        "create_time": psutil.Process(process.pid).create_time(),
        "stopping": [[int(signal.SIGTERM), 10.0]],
    }
    (run / "server.json").write_text(json.dumps(record | changes))
    return process


def test_what_an_earlier_run_left_alive_is_stopped(tmp_path: Path):
    process = leave_behind(tmp_path / "data", POLITE)
    with open_supervisor(tmp_path / "data"):
        assert process.wait(timeout=10) == 0
        assert (tmp_path / "asked").exists()
        assert not (tmp_path / "data" / "run" / "server.json").exists()


def test_a_stranger_with_the_recorded_pid_is_left_alone(tmp_path: Path):
    process = leave_behind(tmp_path / "data", POLITE, create_time=1_000_000.0)
    try:
        with open_supervisor(tmp_path / "data"):
            assert process.poll() is None
            assert not (tmp_path / "data" / "run" / "server.json").exists()
    finally:
        process.kill()
        process.wait(timeout=10)


def test_a_record_that_a_crash_cut_short_is_no_obstacle(tmp_path: Path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "server.json").write_text('{"pid": 1')
    with open_supervisor(tmp_path):
        assert not (tmp_path / "run" / "server.json").exists()


def test_a_process_is_known_by_its_pid_and_its_beginning():
    me = psutil.Process()
    assert is_same_process(os.getpid(), me.create_time())
    assert not is_same_process(os.getpid(), me.create_time() - 60)
