"""What every executor must do, whatever runs the jobs. An implementation subclasses this and gives a `lab` fixture."""

from abc import abstractmethod
from dataclasses import replace
from enum import StrEnum
from typing import Protocol
from uuid import uuid4

import pytest

from pipeline.errors import PermanentError
from pipeline.execution.executor import AwaitedUnknown, Executor, JobReport, Submission, child_handle
from pipeline.execution.stuck.explanation import Cause
from pipeline.lifecycle.job_state import FINAL, JobState
from tests.fixtures.waiting import wait_for

ATTEMPTS = 3
"""How many attempts the profile of the suite's job kind allows."""


class Behaviour(StrEnum):
    """What the suite's jobs do. Each prints "attempt N" with its number first, a child "attempt N of child INDEX"."""

    SUCCEEDS = "succeeds"
    FAILS_FOR_GOOD = "fails_for_good"
    """Exits 65."""
    ASKS_ONCE_MORE = "asks_once_more"
    """Exits 75 in its first attempt and 0 in its second."""
    ALWAYS_ASKS_AGAIN = "always_asks_again"
    """Exits 75."""
    IS_KILLED_ONCE = "is_killed_once"
    """Is killed with SIGKILL in its first attempt and exits 0 in its second."""
    FAILS_STRANGELY = "fails_strangely"
    """Exits 3, which no rule names."""
    RUNS_ON = "runs_on"
    """Runs until it is ended."""
    DIFFERS_BY_INDEX = "differs_by_index"
    """In an array: child 0 asks once more, child 1 fails for good, all others succeed."""


class ExecutorLab(Protocol):
    """An executor with room for one running job, whose jobs behave as they are told."""

    executor: Executor

    @abstractmethod
    def submission(self, name: str, behaviour: Behaviour) -> Submission: ...

    @abstractmethod
    def reopen(self) -> None:
        """Close the executor and open it again, as a restarted control plane does."""


class ExecutorContract:
    @pytest.fixture
    def lab(self) -> ExecutorLab:
        raise NotImplementedError

    def test_a_job_that_exits_0_has_succeeded_after_one_attempt(self, lab: ExecutorLab):
        report = _run(lab, Behaviour.SUCCEEDS)
        assert (report.state, report.attempt, report.exit_code) == (JobState.SUCCEEDED, 1, 0)
        (attempt,) = report.attempts
        assert attempt.started_at is not None
        assert attempt.stopped_at is not None
        assert report.created_at <= attempt.started_at <= attempt.stopped_at

    def test_a_handle_is_found_by_the_jobs_name(self, lab: ExecutorLab):
        name = str(uuid4())
        assert lab.executor.find(name) is None
        handle = lab.executor.submit(lab.submission(name, Behaviour.SUCCEEDS))
        assert lab.executor.find(name) == handle
        assert lab.executor.describe([handle])[handle].name == name

    def test_names_and_handles_are_known_after_a_restart(self, lab: ExecutorLab):
        report = _run(lab, Behaviour.SUCCEEDS)
        lab.reopen()
        assert lab.executor.find(report.name) == report.handle
        assert lab.executor.describe([report.handle]) == {report.handle: report}

    def test_unknown_handles_are_left_out(self, lab: ExecutorLab):
        handle = lab.executor.submit(lab.submission(str(uuid4()), Behaviour.SUCCEEDS))
        assert set(lab.executor.describe([handle, "nobody-knows-it"])) == {handle}
        assert lab.executor.describe([]) == {}

    def test_a_job_that_exits_65_has_failed_after_one_attempt(self, lab: ExecutorLab):
        report = _run(lab, Behaviour.FAILS_FOR_GOOD)
        assert (report.state, report.attempt, report.exit_code) == (JobState.FAILED, 1, 65)

    def test_an_exit_code_that_no_rule_names_ends_the_job(self, lab: ExecutorLab):
        report = _run(lab, Behaviour.FAILS_STRANGELY)
        assert (report.state, report.attempt, report.exit_code) == (JobState.FAILED, 1, 3)

    def test_a_job_that_exits_75_is_tried_again(self, lab: ExecutorLab):
        report = _run(lab, Behaviour.ASKS_ONCE_MORE)
        assert (report.state, report.attempt) == (JobState.SUCCEEDED, 2)
        assert [(attempt.attempt, attempt.exit_code) for attempt in report.attempts] == [(1, 75), (2, 0)]

    def test_a_job_that_is_killed_is_tried_again(self, lab: ExecutorLab):
        report = _run(lab, Behaviour.IS_KILLED_ONCE)
        assert report.state is JobState.SUCCEEDED
        assert [attempt.exit_code for attempt in report.attempts] == [137, 0]

    def test_a_job_has_failed_when_its_attempts_are_used_up(self, lab: ExecutorLab):
        report = _run(lab, Behaviour.ALWAYS_ASKS_AGAIN)
        assert (report.state, report.attempt, report.exit_code) == (JobState.FAILED, ATTEMPTS, 75)
        assert [attempt.exit_code for attempt in report.attempts] == [75] * ATTEMPTS

    def test_a_running_job_is_ended_by_cancel_and_not_tried_again(self, lab: ExecutorLab):
        handle = _running(lab)
        lab.executor.cancel(handle, "a person said so")
        report = _wait_for_end(lab, handle)
        assert (report.state, report.attempt, report.status_reason) == (JobState.FAILED, 1, "a person said so")
        assert len(report.attempts) == 1

    def test_a_job_that_waits_is_ended_by_cancel_without_an_attempt(self, lab: ExecutorLab):
        running = _running(lab)
        waiting = lab.executor.submit(lab.submission(str(uuid4()), Behaviour.SUCCEEDS))
        report = lab.executor.describe([waiting])[waiting]
        assert (report.state, report.attempt, report.attempts) == (JobState.RUNNABLE, 1, ())
        lab.executor.cancel(waiting, "not needed")
        report = _wait_for_end(lab, waiting)
        assert (report.state, report.status_reason, report.attempts) == (JobState.FAILED, "not needed", ())
        lab.executor.cancel(running, "the test is over")
        _wait_for_end(lab, running)

    def test_a_job_that_waits_is_explained_and_one_that_nobody_knows_is_not(self, lab: ExecutorLab):
        running = _running(lab)
        waiting = lab.executor.submit(lab.submission(str(uuid4()), Behaviour.SUCCEEDS))
        explained = lab.executor.explain([running, waiting, "nobody-knows-it"])
        assert explained.keys() == {running, waiting}
        assert explained[running].cause is Cause.BEGUN
        assert explained[waiting].cause in (Cause.NO_FREE_SLOT, Cause.WAITS_FOR_MACHINE)
        for handle in (running, waiting):
            lab.executor.cancel(handle, "the test is over")
            _wait_for_end(lab, handle)

    def test_cancel_does_nothing_to_an_ended_or_unknown_job(self, lab: ExecutorLab):
        report = _run(lab, Behaviour.SUCCEEDS)
        lab.executor.cancel(report.handle, "too late")
        lab.executor.cancel("nobody-knows-it", "whatever")
        assert lab.executor.describe([report.handle]) == {report.handle: report}

    def test_each_attempt_has_a_log_of_its_own(self, lab: ExecutorLab):
        handle = _run(lab, Behaviour.ASKS_ONCE_MORE).handle
        assert lab.executor.read_log(handle, 1, tail_lines=1) == ["attempt 1"]
        assert lab.executor.read_log(handle, 2, tail_lines=1) == ["attempt 2"]
        assert lab.executor.read_log(handle, 3, tail_lines=1) is None
        assert lab.executor.read_log("nobody-knows-it", 1, tail_lines=1) is None

    def test_an_array_runs_a_child_for_each_index_and_then_what_waits_for_it(self, lab: ExecutorLab):
        name = str(uuid4())
        array = lab.executor.submit(replace(lab.submission(name, Behaviour.SUCCEEDS), array_size=3))
        join = _submit_after(lab, array)
        reports = lab.executor.describe([array, join])
        assert {report.state for report in reports.values()} == {JobState.PENDING}
        assert sum(reports[array].children.values()) == 3
        wait_for(lambda: lab.executor.list_children(array, JobState.SUCCEEDED, limit=9), "the first child ends")
        lab.reopen()
        joined = _wait_for_end(lab, join)
        assert (joined.state, joined.exit_code) == (JobState.SUCCEEDED, 0)
        assert lab.executor.find(name) == array
        report = lab.executor.describe([array])[array]
        assert (report.state, report.attempt, report.attempts) == (JobState.SUCCEEDED, 1, ())
        assert report.children == {JobState.SUCCEEDED: 3}
        handles = lab.executor.list_children(array, JobState.SUCCEEDED, limit=9)
        assert len(lab.executor.list_children(array, JobState.SUCCEEDED, limit=2)) == 2
        children = lab.executor.describe(handles)
        assert [(children[h].name, children[h].parent, children[h].index) for h in handles] == [
            (name, array, index) for index in range(3)
        ]
        assert [lab.executor.read_log(h, children[h].attempt, tail_lines=9) for h in handles] == [
            [f"attempt {children[h].attempt} of child {children[h].index}"] for h in handles
        ]
        stops = [child.attempts[-1].stopped_at for child in children.values()]
        assert all(stop is not None and stop <= (joined.attempts[0].started_at or stop) for stop in stops)

    def test_children_fail_each_for_itself_and_what_waits_for_them_fails_without_an_attempt(self, lab: ExecutorLab):
        submission = lab.submission(str(uuid4()), Behaviour.DIFFERS_BY_INDEX)
        array = lab.executor.submit(replace(submission, array_size=3))
        join = _submit_after(lab, array)
        behind = _submit_after(lab, join)
        report = _wait_for_end(lab, array)
        assert (report.state, report.status_reason) == (JobState.FAILED, "Array Child Job failed")
        assert report.children == {JobState.SUCCEEDED: 2, JobState.FAILED: 1}
        handles = [child_handle(array, index) for index in range(3)]
        children = lab.executor.describe(handles)
        assert [[a.exit_code for a in children[h].attempts] for h in handles] == [[75, 0], [65], [0]]
        assert lab.executor.list_children(array, JobState.FAILED, limit=9) == [handles[1]]
        assert lab.executor.list_children(join, JobState.FAILED, limit=9) == []
        assert lab.executor.read_log(handles[0], 2, tail_lines=1) == ["attempt 2 of child 0"]
        assert lab.executor.read_log(array, 1, tail_lines=1) is None
        for waiting in (join, behind, _submit_after(lab, array)):
            report = _wait_for_end(lab, waiting)
            assert (report.state, report.status_reason) == (JobState.FAILED, "Dependent Job failed")
            assert report.attempts == ()

    def test_a_cancelled_array_ends_with_all_its_children_and_what_waits_for_it_fails(self, lab: ExecutorLab):
        array = lab.executor.submit(replace(lab.submission(str(uuid4()), Behaviour.RUNS_ON), array_size=3))
        join, unwanted = _submit_after(lab, array), _submit_after(lab, array)
        first, second, third = (child_handle(array, index) for index in range(3))
        wait_for(lambda: lab.executor.read_log(first, 1, tail_lines=1), "the first child runs")
        assert lab.executor.describe([array])[array].children == {JobState.RUNNING: 1, JobState.RUNNABLE: 2}
        lab.executor.cancel(third, "this child only")
        lab.executor.cancel(unwanted, "not needed")
        lab.executor.cancel(array, "a person said so")
        report = _wait_for_end(lab, array)
        assert (report.state, report.status_reason) == (JobState.FAILED, "a person said so")
        assert report.children == {JobState.FAILED: 3}
        children = lab.executor.describe([first, second, third])
        assert [(children[h].status_reason, len(children[h].attempts)) for h in (first, second, third)] == [
            ("a person said so", 1),
            ("a person said so", 0),
            ("this child only", 0),
        ]
        reasons = {_wait_for_end(lab, waiting).status_reason for waiting in (join, unwanted)}
        assert reasons == {"Dependent Job failed", "not needed"}
        assert [lab.executor.describe([waiting])[waiting].attempts for waiting in (join, unwanted)] == [(), ()]

    def test_an_array_of_a_size_that_batch_does_not_take_is_refused(self, lab: ExecutorLab):
        for size in (-1, 0, 1, 10_001):
            with pytest.raises(PermanentError, match=f"{size} children"):
                lab.executor.submit(replace(lab.submission("array", Behaviour.SUCCEEDS), array_size=size))

    def test_what_waits_for_a_job_that_nobody_knows_is_refused_for_good(self, lab: ExecutorLab):
        with pytest.raises(AwaitedUnknown, match="waits for 'nobody-knows-it': unknown"):
            _submit_after(lab, "nobody-knows-it")

    def test_a_name_that_no_executor_takes_is_refused_for_good(self, lab: ExecutorLab):
        for name in ("", "a/b", "x" * 129, "../../etc"):
            with pytest.raises(PermanentError):
                lab.executor.submit(lab.submission(name, Behaviour.SUCCEEDS))

    def test_a_submission_does_not_show_its_environment(self, lab: ExecutorLab):
        submission = lab.submission("name", Behaviour.SUCCEEDS)
        assert submission.environment
        assert not [value for value in submission.environment.values() if value in repr(submission)]


def _run(lab: ExecutorLab, behaviour: Behaviour) -> JobReport:
    return _wait_for_end(lab, lab.executor.submit(lab.submission(str(uuid4()), behaviour)))


def _submit_after(lab: ExecutorLab, handle: str) -> str:
    return lab.executor.submit(replace(lab.submission(str(uuid4()), Behaviour.SUCCEEDS), after=handle))


def _wait_for_end(lab: ExecutorLab, handle: str) -> JobReport:
    def ended() -> JobReport | None:
        report = lab.executor.describe([handle])[handle]
        return report if report.state in FINAL else None

    return wait_for(ended, f"job {handle} ends")


def _running(lab: ExecutorLab) -> str:
    handle = lab.executor.submit(lab.submission(str(uuid4()), Behaviour.RUNS_ON))
    wait_for(lambda: lab.executor.read_log(handle, 1, tail_lines=1) == ["attempt 1"], f"job {handle} runs")
    assert lab.executor.describe([handle])[handle].state is JobState.RUNNING
    return handle
