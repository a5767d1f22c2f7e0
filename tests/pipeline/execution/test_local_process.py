"""What the local executor does with attempts beyond the contract: time limits, secrets, and leaving nothing behind."""

import json
import stat
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from pipeline.errors import PermanentError
from pipeline.execution.local.decisions import KEEP_ENDED, KEEP_ENDED_JOBS
from pipeline.execution.local_process import LocalExecutor
from pipeline.lifecycle.job_state import JobState
from tests.fixtures.local_executor import (
    catalog,
    is_gone,
    open_local_executor,
    processes_of,
    report_of,
    submission,
    wait_for_end,
    wait_for_line,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def test_an_attempt_that_takes_too_long_is_ended_and_not_repeated(tmp_path: Path):
    with closing(open_local_executor(tmp_path, timeout_s=1)) as executor:
        report = wait_for_end(executor, executor.submit(submission("a", "runs_on")))
        assert (report.state, report.exit_code, len(report.attempts)) == (JobState.FAILED, 143, 1)
        assert report.status_reason == "Job attempt duration exceeded timeout"


def test_an_attempt_that_takes_too_long_and_does_not_listen_is_killed(tmp_path: Path):
    with closing(open_local_executor(tmp_path, timeout_s=3, grace_s=0.2)) as executor:
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


def test_a_job_that_waits_for_an_unknown_one_is_refused(executor: LocalExecutor):
    for handle in ("local-x", "local-x:0", "x:y", ":"):
        with pytest.raises(PermanentError, match=handle):
            executor.submit(replace(submission("a", "succeeds"), after=handle))


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
