"""What the local executor does beyond the contract: restarts, kills, time limits, and leaving nothing behind."""

import json
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from pipeline.errors import PermanentError, Unavailable
from pipeline.execution.executor import JobReport
from pipeline.execution.local_decisions import KEEP_ENDED, KEEP_ENDED_JOBS
from pipeline.execution.local_process import LocalExecutor
from pipeline.execution.local_records import JobRecord
from pipeline.lifecycle.job_state import FINAL, JobState
from tests.fixtures.local_executor import (
    catalog,
    executor_process,
    is_gone,
    open_local_executor,
    processes_of,
    submission,
)
from tests.fixtures.waiting import wait_for


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    with closing(open_local_executor(tmp_path)) as executor:
        yield executor


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    left = processes_of(tmp_path)
    for process in left:
        process.kill()
    assert left == []
    assert list((tmp_path / "scratch").glob("*")) == []
    for job in (tmp_path / "jobs").iterdir():
        ended = JobRecord.model_validate_json((job / "job.json").read_bytes()).is_ended
        assert (job / "environment.json").exists() != ended, "secrets are kept as long as the job lives"


def report_of(executor: LocalExecutor, handle: str) -> JobReport:
    return executor.describe([handle])[handle]


def wait_for_end(executor: LocalExecutor, handle: str) -> JobReport:
    def ended() -> JobReport | None:
        report = report_of(executor, handle)
        return report if report.state in FINAL else None

    return wait_for(ended, f"{handle} ends", deadline_s=30)


def wait_for_line(folder: Path, handle: str, line: str, *, attempt: int = 1) -> None:
    log = folder / "jobs" / handle / "attempts" / str(attempt) / "output.log"
    wait_for(lambda: log.exists() and line in log.read_text().splitlines(), f"{handle} says {line!r}")


# Restarts


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


# Closing


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
    monkeypatch.setattr("pipeline.execution.running_attempt.SUPERVISOR_MARGIN_S", 0.2)
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


# One attempt


def test_an_attempt_that_takes_too_long_is_ended_and_not_repeated(tmp_path: Path):
    with closing(open_local_executor(tmp_path, timeout_s=1)) as executor:
        report = wait_for_end(executor, executor.submit(submission("a", "runs_on")))
        assert (report.state, report.exit_code, len(report.attempts)) == (JobState.FAILED, 143, 1)
        assert report.status_reason == "Job attempt duration exceeded timeout"


def test_an_attempt_that_takes_too_long_and_does_not_listen_is_killed(tmp_path: Path):
    with closing(open_local_executor(tmp_path, timeout_s=1, grace_s=0.2)) as executor:
        report = wait_for_end(executor, executor.submit(submission("a", "ignores_sigterm")))
        assert (report.state, report.exit_code, len(report.attempts)) == (JobState.FAILED, 137, 1)


def test_no_more_than_the_slots_run_at_once(tmp_path: Path):
    go = tmp_path / "go"
    with closing(open_local_executor(tmp_path, slots=2)) as executor:
        handles = [executor.submit(submission(f"n{n}", "waits_for_a_file", FILE=str(go))) for n in range(5)]
        wait_for_line(tmp_path, handles[1], "attempt 1")
        states = [report_of(executor, handle).state for handle in handles]
        assert states == [JobState.RUNNING] * 2 + [JobState.RUNNABLE] * 3
        go.touch()
        reports = [wait_for_end(executor, handle) for handle in handles]
    edges = [(a.started_at, 1) for r in reports for a in r.attempts] + [
        (a.stopped_at, -1) for r in reports for a in r.attempts
    ]
    running = most = 0
    for _, change in sorted(edges, key=lambda edge: (str(edge[0]), edge[1])):
        running += change
        most = max(most, running)
    assert most == 2


def test_what_a_job_leaves_running_ends_with_it(tmp_path: Path, executor: LocalExecutor):
    before = set(psutil.pids())
    handle = executor.submit(submission("a", "leaves_children"))
    assert wait_for_end(executor, handle).state is JobState.SUCCEEDED
    new = [psutil.Process(pid) for pid in set(psutil.pids()) - before if psutil.pid_exists(pid)]
    assert not [p for p in new if _command(p) == ["sleep", "300"]]


def test_a_cancelled_job_takes_children_of_other_sessions_with_it(tmp_path: Path, executor: LocalExecutor):
    handle = executor.submit(submission("a", "runs_on_with_children"))
    wait_for_line(tmp_path, handle, "has children")
    family = processes_of(tmp_path)
    assert len(family) == 3
    executor.cancel(handle, "enough")
    wait_for_end(executor, handle)
    assert is_gone(family)()


def test_a_job_sees_its_own_variables_and_nothing_of_the_executors(
    tmp_path: Path, executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    handle = executor.submit(submission("a", "tells"))
    assert wait_for_end(executor, handle).state is JobState.SUCCEEDED
    lines = executor.read_log(handle, 1, tail_lines=10)
    assert lines is not None
    names = set(json.loads(lines[1].replace("'", '"')))
    assert {"BEHAVIOUR", "JOB_TOKEN", "AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT", "JOB_SCRATCH", "PATH"} <= names
    assert "DATABASE_URL" not in names
    assert lines[2] == "[]", "the scratch folder is empty"


def test_secrets_are_in_no_argument_and_readable_by_nobody_else(tmp_path: Path, executor: LocalExecutor):
    handle = executor.submit(submission("a", "runs_on"))
    wait_for_line(tmp_path, handle, "attempt 1")
    assert processes_of(tmp_path)
    for process in processes_of(tmp_path):
        assert "secret-of-a" not in " ".join(process.cmdline())
    holders = [path for path in tmp_path.rglob("*") if path.is_file() and "secret-of-a" in path.read_text()]
    assert holders == [tmp_path / "jobs" / handle / "environment.json"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    executor.cancel(handle, "enough")
    wait_for_end(executor, handle)


def test_a_name_that_is_submitted_twice_is_one_job(executor: LocalExecutor):
    handle = executor.submit(submission("a", "succeeds"))
    assert executor.submit(submission("a", "succeeds")) == handle
    wait_for_end(executor, handle)
    assert executor.submit(submission("a", "succeeds")) == handle
    assert len(report_of(executor, handle).attempts) == 1


def test_a_variable_that_no_process_can_have_is_refused_without_its_value(executor: LocalExecutor):
    with pytest.raises(PermanentError, match="A=B") as refused:
        executor.submit(submission("a", "succeeds", **{"A=B": "hidden"}))
    assert "hidden" not in str(refused.value)


def test_the_tail_of_a_large_log_is_read(tmp_path: Path, executor: LocalExecutor):
    handle = executor.submit(submission("a", "succeeds"))
    wait_for_end(executor, handle)
    log = tmp_path / "jobs" / handle / "attempts/1/output.log"
    log.write_text("".join(f"line {n}\n" for n in range(200_000)))
    assert executor.read_log(handle, 1, tail_lines=2) == ["line 199998", "line 199999"]
    assert len(executor.read_log(handle, 1, tail_lines=150_000) or []) == 150_000
    log.write_text("no end of line")
    assert executor.read_log(handle, 1, tail_lines=5) == ["no end of line"]


# Keeping and forgetting


def test_jobs_that_ended_long_ago_are_forgotten(tmp_path: Path):
    with closing(open_local_executor(tmp_path)) as executor:
        for name in ("old", "new"):
            wait_for_end(executor, executor.submit(submission(name, "succeeds")))
    path = tmp_path / "jobs/local-old/job.json"
    before = datetime.now(UTC) - KEEP_ENDED - timedelta(minutes=1)
    path.write_text(json.dumps({**json.loads(path.read_text()), "ended_at": before.isoformat()}))
    with closing(open_local_executor(tmp_path)) as executor:
        assert set(executor.describe(["local-old", "local-new"])) == {"local-new"}
    assert not path.parent.exists()


def test_of_very_many_ended_jobs_the_oldest_are_forgotten(tmp_path: Path):
    with closing(open_local_executor(tmp_path)) as executor:
        wait_for_end(executor, executor.submit(submission("job", "succeeds")))
    template = json.loads((tmp_path / "jobs/local-job/job.json").read_text())
    for number in range(KEEP_ENDED_JOBS + 1):
        folder = tmp_path / "jobs" / f"local-{number}"
        folder.mkdir()
        ended_at = datetime.now(UTC) - timedelta(seconds=KEEP_ENDED_JOBS - number)
        record = {**template, "handle": folder.name, "name": str(number), "ended_at": ended_at.isoformat()}
        (folder / "job.json").write_text(json.dumps(record))
    with closing(open_local_executor(tmp_path)) as executor:
        assert executor.find("0") is None
        assert executor.find(str(KEEP_ENDED_JOBS)) is not None
    assert len(list((tmp_path / "jobs").iterdir())) == KEEP_ENDED_JOBS


def test_scratch_folders_of_dead_attempts_are_cleared_away(tmp_path: Path):
    left = tmp_path / "scratch" / "local-gone-1"
    left.mkdir(parents=True)
    (left / "big.bin").write_bytes(b"x")
    with closing(open_local_executor(tmp_path)):
        assert not left.exists()


def test_a_retry_waits_a_little(tmp_path: Path):
    with closing(LocalExecutor(tmp_path, catalog=catalog(), retry_pause_s=0.3)) as executor:
        report = wait_for_end(executor, executor.submit(submission("a", "always_asks_again")))
    pauses = [
        (later.started_at - earlier.stopped_at).total_seconds()
        for earlier, later in zip(report.attempts, report.attempts[1:], strict=False)
        if later.started_at and earlier.stopped_at
    ]
    assert pauses[0] >= 0.3
    assert pauses[1] >= 0.6


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
    except psutil.Error:
        return []
