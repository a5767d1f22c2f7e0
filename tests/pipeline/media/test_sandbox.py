"""A child that misbehaves ends as a reason, in time, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from pydantic import Field

from pipeline.contracts.envelope import Contract
from pipeline.errors import JobError, PermanentError, TransientError
from pipeline.media.sandbox.conversation import MIB, SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed
from pipeline.media.sandbox.start import FIXED_VARIABLES, end_waiting, started_early
from pipeline.reasons import Reason
from tests.fixtures.waiting import wait_for

ROOT = Path(__file__).parents[3]
LIMITS = SandboxLimits(memory_mib=512, cpu_s=20, deadline_s=20)


class Request(Contract):
    text: str = ""


class Reply(Contract):
    pid: int = 0
    group: int = 0
    environment: dict[str, str] = Field(default_factory=dict)
    limits: dict[str, int] = Field(default_factory=dict)


def run(name: str, *, limits: SandboxLimits = LIMITS, text: str = "") -> Reply:
    return run_sandboxed(f"tests.pipeline.media.workers:{name}", Request(text=text), reply=Reply, limits=limits)


def children() -> set[psutil.Process]:
    """Servers of other tests among them."""
    return set(psutil.Process().children())


def test_the_child_has_limits_and_none_of_our_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JOB_TOKEN", "secret")
    reply = run("describe")
    assert reply.limits == {
        "RLIMIT_AS": 512 * MIB, "RLIMIT_CPU": 20, "RLIMIT_FSIZE": MIB, "RLIMIT_NOFILE": 256, "RLIMIT_CORE": 0,
    }  # fmt: skip
    assert set(reply.environment) <= {*FIXED_VARIABLES, "LD_LIBRARY_PATH"} - {"JOB_TOKEN"}
    assert reply.group == reply.pid != os.getpid()


def test_progress_arrives_in_order():
    heard: list[float] = []
    run_sandboxed("tests.pipeline.media.workers:describe", Request(), reply=Reply, limits=LIMITS, progress=heard.append)
    assert heard == [0.25, 1]


def test_a_child_started_early_is_the_one_that_answers_and_answers_once():
    others = children()
    with started_early("tests.pipeline.media.workers:describe"):
        (waiting,) = children() - others
        first, second = run("describe"), run("describe")
    assert first.pid == waiting.pid != second.pid


def test_a_child_started_early_for_nobody_is_ended():
    others = children()
    with started_early("tests.pipeline.media.workers:describe"):
        (waiting,) = children() - others
        assert run("echo_length").pid
        assert waiting.is_running()
    assert not waiting.is_running()


def test_a_child_started_early_has_the_limits_of_who_asks_it():
    with started_early("tests.pipeline.media.workers:describe"):
        assert run("describe", limits=replace(LIMITS, cpu_s=19)).limits["RLIMIT_CPU"] == 19


def test_nobody_has_to_ask_a_child_that_was_started_early():
    others = children()
    with started_early("tests.pipeline.media.workers:describe"):
        (waiting,) = children() - others
        end_waiting("tests.pipeline.media.workers:describe")
        assert not waiting.is_running()
        assert run("describe").pid != waiting.pid


def test_a_child_started_early_loads_what_it_is_told_to_need():
    with started_early("tests.pipeline.media.workers:name_modules", "wave"):
        assert "wave" in run("name_modules").environment
    assert "wave" not in run("name_modules").environment


def test_what_starts_a_child_early_loads_nothing_that_takes_longer_than_that():
    script = "import sys, pipeline.media.probing_soon; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"pydantic", "structlog", "requests", "av"} & set(done.stdout.split())


def test_a_long_request_arrives_whole():
    text = "x" * 1_000_000
    assert run("echo_length", text=text).pid == len(Request(text=text).model_dump_json())


@pytest.mark.parametrize(
    ("worker", "kind", "reason"),
    [
        ("refuse", PermanentError, Reason.TOO_SMALL),
        ("give_up", TransientError, Reason.STORAGE_UNAVAILABLE),
        ("eat_memory", PermanentError, Reason.DECODER_LIMIT),
        ("crash", PermanentError, Reason.CORRUPT),
        ("be_killed", TransientError, Reason.WORKER_KILLED),
        ("fill_disk", PermanentError, Reason.DISK_FULL),
        ("have_a_bug", PermanentError, Reason.INTERNAL_ERROR),
    ],
)
def test_how_a_child_ends_is_told(worker: str, kind: type[JobError], reason: Reason):
    with pytest.raises(kind) as caught:
        run(worker)
    assert caught.value.reason == reason
    assert caught.value.detail
    assert len(caught.value.detail) < 1000


def test_room_for_addresses_is_no_memory():
    """A GPU's driver reserves far more of them than there is memory."""
    limits = SandboxLimits(memory_mib=512, cpu_s=20, deadline_s=20, address_mib=64 * 1024)
    assert run("reserve_addresses", limits=limits).pid == 1
    with pytest.raises(PermanentError, match="more than 512 MiB of memory"):
        run("eat_memory", limits=limits)
    with pytest.raises(PermanentError):
        run("reserve_addresses")


def test_cpu_time_is_limited():
    with pytest.raises(PermanentError, match="DECODER_LIMIT: more than 1 s of CPU"):
        run("burn", limits=SandboxLimits(memory_mib=512, cpu_s=1, deadline_s=20))


def test_a_child_that_hangs_is_ended_at_the_deadline():
    pids: list[float] = []
    with pytest.raises(PermanentError, match=r"DECODER_LIMIT: more than 1.5 s of time"):
        run_sandboxed(
            "tests.pipeline.media.workers:sleep",
            Request(),
            reply=Reply,
            limits=SandboxLimits(memory_mib=512, cpu_s=20, deadline_s=1.5),
            progress=pids.append,
        )
    assert pids
    assert not psutil.pid_exists(int(pids[0]))


def test_a_child_may_talk_for_long_but_not_be_silent_for_long():
    heard: list[float] = []
    limits = SandboxLimits(memory_mib=512, cpu_s=20, deadline_s=20, silence_s=0.7)
    with pytest.raises(PermanentError, match=r"DECODER_LIMIT: more than 0.7 s of time"):
        run_sandboxed(
            "tests.pipeline.media.workers:fall_silent", Request(), reply=Reply, limits=limits, progress=heard.append
        )
    assert len(heard) == 8


def test_news_arrives_in_order():
    heard: list[dict[str, object]] = []
    run_sandboxed("tests.pipeline.media.workers:tell_news", Request(), reply=Reply, limits=LIMITS, listen=heard.append)
    assert heard == [{"page": 1}, {"page": 2}]


def test_a_child_that_was_taken_over_cannot_speak_in_tongues():
    with pytest.raises(PermanentError, match="CORRUPT: the decoding process wrote nonsense"):
        run("write_nonsense")


def test_the_child_has_the_variables_that_it_is_given():
    variables = {"OPENCV_IO_MAX_IMAGE_PIXELS": "1000"}
    reply = run_sandboxed(
        "tests.pipeline.media.workers:describe", Request(), reply=Reply, limits=LIMITS, variables=variables
    )
    assert reply.environment.items() >= variables.items()


def test_a_file_may_not_grow_without_end(tmp_path: Path):
    with pytest.raises(PermanentError, match="DECODER_LIMIT: a file of more than"):
        run("write_much", text=str(tmp_path / "much"))
    assert (tmp_path / "much").stat().st_size <= MIB


def test_an_exception_in_the_parent_ends_the_child():
    """As SIGTERM does, whose handler raises in the main thread."""
    pids: list[float] = []

    def stop(value: float) -> None:
        pids.append(value)
        raise TransientError(Reason.TERMINATED, "asked to stop")

    with pytest.raises(TransientError, match="TERMINATED"):
        run_sandboxed("tests.pipeline.media.workers:sleep", Request(), reply=Reply, limits=LIMITS, progress=stop)
    assert not psutil.pid_exists(int(pids[0]))


def test_a_signal_that_raises_ends_the_child():
    def on_alarm(_number: int, _frame: object) -> None:
        raise TransientError(Reason.TERMINATED, "asked to stop")

    pids: list[float] = []

    def started(value: float) -> None:
        pids.append(value)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()

    before = signal.signal(signal.SIGUSR1, on_alarm)
    try:
        with pytest.raises(TransientError, match="TERMINATED"):
            run_sandboxed("tests.pipeline.media.workers:sleep", Request(), reply=Reply, limits=LIMITS, progress=started)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not psutil.pid_exists(int(pids[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_does_not_outlive_a_parent_that_is_killed():
    program = (
        "from tests.pipeline.media.test_sandbox import *\n"
        "run_sandboxed('tests.pipeline.media.workers:sleep', Request(), reply=Reply, limits=LIMITS,"
        " progress=lambda pid: print(int(pid), flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    wait_for(lambda: not psutil.pid_exists(child) or None, "the child is gone")
