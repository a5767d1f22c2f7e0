"""The local executor after it was closed or killed: what ran, what waited and what was cancelled goes on."""

import json
import os
import signal
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import Unavailable
from pipeline.execution.local_process import LocalExecutor
from pipeline.lifecycle.job_state import JobState
from tests.fixtures.local_executor import (
    executor_process,
    is_gone,
    open_local_executor,
    processes_of,
    report_of,
    submission,
    wait_for_end,
    wait_for_line,
)
from tests.fixtures.waiting import wait_for

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def test_a_running_attempt_is_adopted_after_the_executor_was_killed(tmp_path: Path):
    with executor_process(tmp_path, ("a", "runs_on")) as owner:
        wait_for_line(tmp_path, "local-a", "attempt 1")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    with closing(open_local_executor(tmp_path)) as executor:
        report = report_of(executor, "local-a")
        assert (report.state, report.attempt, len(report.attempts)) == (JobState.RUNNING, 1, 1)
        executor.cancel("local-a", "enough")
        report = wait_for_end(executor, "local-a")
        assert (report.state, report.exit_code, report.status_reason) == (JobState.FAILED, 143, "enough")


def test_an_end_that_nobody_watched_is_known_after_a_restart(tmp_path: Path):
    with executor_process(tmp_path, ("a", "runs_on")) as owner:
        wait_for_line(tmp_path, "local-a", "attempt 1")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    (job,) = [p for p in processes_of(tmp_path) if "attempt_supervisor" not in " ".join(p.cmdline())]
    job.kill()
    wait_for((tmp_path / "jobs/local-a/attempts/1/exit.json").exists, "the supervisor writes its record")
    assert list((tmp_path / "scratch").iterdir()) == [], "it has cleared up by itself"
    with closing(open_local_executor(tmp_path)) as executor:
        wait_for(lambda: report_of(executor, "local-a").attempt == 2, "it is tried again")
        assert report_of(executor, "local-a").attempts[0].exit_code == 137
        executor.cancel("local-a", "enough")
        wait_for_end(executor, "local-a")


def test_an_attempt_whose_supervisor_is_gone_is_lost_and_tried_again(tmp_path: Path):
    with executor_process(tmp_path, ("a", "runs_on_once")) as owner:
        wait_for_line(tmp_path, "local-a", "attempt 1")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    family = processes_of(tmp_path)
    supervisors = [p for p in family if "attempt_supervisor" in " ".join(p.cmdline())]
    assert len(supervisors) == 1
    assert len(family) == 2
    supervisors[0].kill()
    wait_for(is_gone(supervisors), "the supervisor is gone")
    with closing(open_local_executor(tmp_path)) as executor:
        report = wait_for_end(executor, "local-a")
        assert is_gone(family)(), "what the lost attempt has left running is ended"
        lost, good = report.attempts
        assert (lost.exit_code, lost.status_reason[:8]) == (None, "Host EC2")
        assert (good.exit_code, report.state) == (0, JobState.SUCCEEDED)


def test_a_supervisor_that_dies_under_a_living_executor_is_noticed_and_its_job_ended(
    tmp_path: Path, executor: LocalExecutor
):
    handle = executor.submit(submission("a", "runs_on_once"))
    wait_for_line(tmp_path, handle, "attempt 1")
    family = processes_of(tmp_path)
    next(p for p in family if "attempt_supervisor" in " ".join(p.cmdline())).kill()
    assert wait_for_end(executor, handle).state is JobState.SUCCEEDED
    assert is_gone(family)()


def test_a_machine_that_shuts_down_ends_the_job_by_its_supervisor(tmp_path: Path, executor: LocalExecutor):
    handle = executor.submit(submission("a", "runs_on_once"))
    wait_for_line(tmp_path, handle, "attempt 1")
    next(p for p in processes_of(tmp_path) if "attempt_supervisor" in " ".join(p.cmdline())).terminate()
    assert [attempt.exit_code for attempt in wait_for_end(executor, handle).attempts] == [143, 0]


def test_waiting_jobs_go_on_in_their_order_after_a_kill(tmp_path: Path):
    names = ["first", "second", "third"]
    with executor_process(tmp_path, ("hold", "runs_on"), *[(name, "succeeds") for name in names]) as owner:
        wait_for_line(tmp_path, "local-hold", "attempt 1")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    with closing(open_local_executor(tmp_path)) as executor:
        assert {report_of(executor, f"local-{name}").state for name in names} == {JobState.RUNNABLE}
        executor.cancel("local-hold", "enough")
        reports = [wait_for_end(executor, f"local-{name}") for name in names]
    starts = [report.attempts[0].started_at for report in reports]
    assert starts == sorted(starts, key=lambda at: at or datetime.max.replace(tzinfo=UTC))


def test_a_cancel_that_was_noted_before_a_kill_is_carried_out_after_it(tmp_path: Path):
    with executor_process(tmp_path, ("a", "runs_on")) as owner:
        wait_for_line(tmp_path, "local-a", "attempt 1")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    path = tmp_path / "jobs/local-a/job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "cancel_reason": "enough"}))
    with closing(open_local_executor(tmp_path)) as executor:
        assert wait_for_end(executor, "local-a").status_reason == "enough"


def test_a_cancel_of_an_array_that_was_noted_before_a_kill_comes_to_all_its_children_after_it(tmp_path: Path):
    parts, join = ("parts", "runs_on", {"array_size": 3}), ("join", "succeeds", {"after": "local-parts"})
    with executor_process(tmp_path, parts, join) as owner:
        wait_for_line(tmp_path, "local-parts/children/0", "attempt 1 of child 0")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    path = tmp_path / "jobs/local-parts/job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "cancel_reason": "enough"}))
    with closing(open_local_executor(tmp_path)) as executor:
        report = wait_for_end(executor, "local-join")
        assert (report.state, report.status_reason, report.attempts) == (JobState.FAILED, "Dependent Job failed", ())
        array = report_of(executor, "local-parts")
        assert (array.status_reason, array.children) == ("enough", {JobState.FAILED: 3})
        assert report_of(executor, "local-parts:0").exit_code == 143
    assert [path.name for path in (tmp_path / "jobs/local-parts/children").iterdir()] == ["0"]


def test_two_executors_cannot_own_one_folder(tmp_path: Path, executor: LocalExecutor):
    with pytest.raises(Unavailable, match=f"executor_folder_in_use.*{os.getpid()}"):
        open_local_executor(tmp_path)


def test_a_job_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path):
    with closing(open_local_executor(tmp_path)) as executor:
        wait_for_end(executor, executor.submit(submission("good", "succeeds")))
    broken = tmp_path / "jobs" / "local-broken"
    broken.mkdir()
    with closing(open_local_executor(tmp_path)) as executor:
        assert set(executor.describe(["local-good", "local-broken"])) == {"local-good"}
    broken.rmdir()


def test_close_ends_everything_and_what_it_interrupted_does_not_count(tmp_path: Path):
    # One more time than the profile has attempts.
    for _ in range(4):
        with closing(open_local_executor(tmp_path)) as executor:
            handle = executor.submit(submission("a", "asks_again_on_sigterm"))
            attempt = report_of(executor, handle).attempt
            wait_for_line(tmp_path, handle, "ready", attempt=attempt)
        assert processes_of(tmp_path) == []
    with closing(open_local_executor(tmp_path)) as executor:
        report = report_of(executor, handle)
        assert report.state in {JobState.RUNNABLE, JobState.RUNNING}
        assert [a.exit_code for a in report.attempts[:4]] == [75] * 4
        executor.cancel(handle, "enough")
        wait_for_end(executor, handle)


def test_a_job_that_answers_sigterm_with_an_odd_exit_code_is_tried_again_after_close(tmp_path: Path):
    with closing(open_local_executor(tmp_path)) as executor:
        handle = executor.submit(submission("a", "fails_on_sigterm"))
        wait_for_line(tmp_path, handle, "ready")
    with closing(open_local_executor(tmp_path)) as executor:
        wait_for_line(tmp_path, handle, "ready", attempt=2)
        executor.cancel(handle, "enough")
        assert wait_for_end(executor, handle).attempts[0].exit_code == 1


def test_close_kills_what_does_not_listen_within_the_grace_time(tmp_path: Path):
    executor = open_local_executor(tmp_path, grace_s=0.3)
    handle = executor.submit(submission("a", "ignores_sigterm"))
    wait_for_line(tmp_path, handle, "deaf")
    executor.close()
    assert processes_of(tmp_path) == []
    with closing(open_local_executor(tmp_path)) as executor:
        assert report_of(executor, handle).attempts[0].exit_code == 137
        executor.cancel(handle, "enough")
        wait_for_end(executor, handle)


def test_close_ends_a_supervisor_that_is_stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.execution.local.running_attempt.SUPERVISOR_MARGIN_S", 0.2)
    executor = open_local_executor(tmp_path, grace_s=0.2)
    handle = executor.submit(submission("a", "runs_on"))
    wait_for_line(tmp_path, handle, "attempt 1")
    next(p for p in processes_of(tmp_path) if "attempt_supervisor" in " ".join(p.cmdline())).suspend()
    executor.close()
    assert processes_of(tmp_path) == []
    with closing(open_local_executor(tmp_path)) as executor:
        assert report_of(executor, handle).attempts[0].status_reason.startswith("Host EC2")
        executor.cancel(handle, "enough")
        wait_for_end(executor, handle)


def test_a_closed_executor_says_that_it_is_closed(tmp_path: Path):
    executor = open_local_executor(tmp_path)
    executor.close()
    executor.close()
    with pytest.raises(Unavailable, match="executor_closed"):
        executor.submit(submission("a", "succeeds"))
