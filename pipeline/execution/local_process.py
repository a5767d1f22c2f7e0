"""The executor of one machine: every attempt is a real subprocess of the command that the container runs.

All state is on disk (`pipeline.execution.local.state`), so that an executor that was killed finds its jobs again:
running ones go on under its eyes, ended ones are read, and those whose supervisor is gone are lost and tried again.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Condition, Thread

from pipeline.contracts.envelope import JobKind
from pipeline.errors import Unavailable
from pipeline.execution.catalog import CATALOG, Profile
from pipeline.execution.executor import AwaitedUnknown, JobReport, Submission
from pipeline.execution.local.decisions import (
    attempt_ended,
    attempt_interrupted,
    attempt_started,
    job_ended,
    retry_pause_s,
)
from pipeline.execution.local.jobs import LocalJobs
from pipeline.execution.local.log_tail import read_tail
from pipeline.execution.local.records import JobRecord, report_of
from pipeline.execution.local.running_attempt import RunningAttempt, request_of
from pipeline.execution.local.state import StateFolder, own_folder
from pipeline.execution.local.submissions import handle_of, refuse_impossible, with_priority
from pipeline.execution.local.turns import in_turn
from pipeline.execution.stuck.explanation import Explanation
from pipeline.execution.stuck.local_rules import LocalFacts, explain_local
from pipeline.lifecycle.job_state import JobState
from pipeline.logs import get_logger
from pipeline.reasons import Reason

log = get_logger(__name__)

# How soon an attempt's end is noticed. With nothing running, nothing is looked at.
LOOK_EVERY_S = 0.1
# After a failure of the state folder's disk.
REST_S = 1.0
GRACE_S = 30.0


class LocalExecutor:
    """Implements `Executor`; at most `slots` attempts run at once, the oldest job and an array's first children first.

    `grace_s` is the time between SIGTERM and SIGKILL, `retry_pause_s` the pause before the first retry, doubled for
    each further one. Raises `Unavailable` where another process owns `folder`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        slots: int = 1,
        catalog: Mapping[JobKind, Profile] = CATALOG,
        grace_s: float = GRACE_S,
        retry_pause_s: float = 1.0,
    ) -> None:
        self._catalog = catalog
        self._slots = slots
        self._grace_s = grace_s
        self._retry_pause_s = retry_pause_s
        self._ownership = ExitStack()
        self._ownership.enter_context(own_folder(folder))
        self._state = StateFolder(folder)
        self._jobs = LocalJobs(self._state, kinds=catalog)
        self._running: dict[str, RunningAttempt] = {}
        self._not_before: dict[str, float] = {}
        self._closing = False
        self._change = Condition()
        self._reopen()
        self._thread = Thread(target=self._run, name="local-executor", daemon=True)
        self._thread.start()

    def submit(self, submission: Submission) -> str:
        refuse_impossible(submission, self._catalog)
        handle = handle_of(submission.name)
        with self._change:
            self._require_open()
            if handle in self._jobs:
                return handle
            if submission.after is not None and submission.after not in self._jobs:
                raise AwaitedUnknown(
                    Reason.SUBMIT_REFUSED, f"{submission.name} waits for {submission.after!r}: unknown"
                )
            try:
                self._jobs.insert(with_priority(submission, self._catalog))
            except OSError as exc:
                raise Unavailable("executor_storage", f"{submission.name}: {exc}") from exc
            self._change.notify_all()
        return handle

    def find(self, name: str) -> str | None:
        with self._change:
            self._require_open()
            handle = handle_of(name)
            return handle if handle in self._jobs else None

    def describe(self, handles: Sequence[str]) -> dict[str, JobReport]:
        with self._change:
            self._require_open()
            jobs = {handle: self._jobs.find(handle) for handle in handles}
            return {
                handle: report_of(job, self._jobs.children(handle)) for handle, job in jobs.items() if job is not None
            }

    def list_children(self, handle: str, state: JobState, *, limit: int) -> list[str]:
        with self._change:
            self._require_open()
            listed = (child.handle for child in self._jobs.children(handle) if child.state is state)
            return list(islice(listed, limit))

    def explain(self, handles: Sequence[str]) -> dict[str, Explanation]:
        with self._change:
            self._require_open()
            known = [job for job in map(self._jobs.find, handles) if job is not None]
            return {job.handle: explain_local(self._facts(job)) for job in known}

    def cancel(self, handle: str, reason: str) -> None:
        with self._change:
            self._require_open()
            job = self._jobs.find(handle)
            if job is None:
                return
            try:
                self._cancel(job, reason)
            except OSError as exc:
                raise Unavailable("executor_storage", f"{handle}: {exc}") from exc
            self._change.notify_all()

    def read_log(self, handle: str, attempt: int, *, tail_lines: int) -> list[str] | None:
        with self._change:
            self._require_open()
            if handle not in self._jobs:
                return None
        return read_tail(self._state.attempt_folder(handle, attempt) / "output.log", tail_lines)

    def close(self) -> None:
        """End all running attempts, within the grace time and a little, and let go of the folder.

        They are tried again when the folder is opened again, without counting as attempts of the profile.
        """
        with self._change:
            if not self._closing:
                self._closing = True
                for handle, running in self._running.items():
                    self._interrupt(self._jobs[handle], running)
                self._change.notify_all()
        self._thread.join()
        self._ownership.close()

    def _facts(self, job: JobRecord) -> LocalFacts:
        now = time.monotonic()
        return LocalFacts(
            state=job.state,
            attempt=job.attempt,
            running=len(self._running),
            slots=self._slots,
            pause_s=self._not_before.get(job.handle, now) - now,
            last_reason=job.status_reason,
        )

    def _reopen(self) -> None:
        """Take up what an earlier process left: adopt what runs, and clear away what nobody needs."""
        for job in self._jobs.in_order():
            if job.state is JobState.RUNNING:
                self._running[job.handle] = self._attempt_of(job)
        for job in self._jobs.cancelled():
            self._cancel(job, "")
        self._state.clear_scratch(except_for=[(running.handle, running.attempt) for running in self._running.values()])

    def _run(self) -> None:
        while True:
            with self._change:
                pause_s = self._look()
                if self._closing and not self._running:
                    return
                self._change.wait(pause_s)

    def _look(self) -> float | None:
        """Move on every job that can be; returns after how many seconds to look again, None for when told."""
        try:
            for running in list(self._running.values()):
                if not running.is_running():
                    self._reap(running)
            self._jobs.settle()
            if not self._closing:
                self._start_runnable()
        except OSError as exc:
            log.error("executor_storage", detail=str(exc))  # noqa: TRY400
            if self._closing:
                # What is on disk is enough for the next process to go on from.
                self._running = {handle: r for handle, r in self._running.items() if r.is_running()}
            return REST_S
        if self._running:
            return LOOK_EVERY_S
        now = time.monotonic()
        return min((max(0.0, at - now) for at in self._not_before.values()), default=None)

    def _reap(self, running: RunningAttempt) -> None:
        job = self._jobs[running.handle]
        now = datetime.now(UTC)
        after = attempt_ended(job, running.clear_up(), profile=self._catalog[job.kind], now=now)
        log.info(
            "attempt_ended",
            handle=job.handle,
            attempt=running.attempt,
            exit_code=after.attempts[-1].exit_code,
            status_reason=after.attempts[-1].status_reason,
            state=after.state.value,
        )
        self._state.remove_scratch(running.handle, running.attempt)
        self._jobs.save(after)
        if not after.is_ended:
            self._not_before[job.handle] = time.monotonic() + retry_pause_s(after, first_s=self._retry_pause_s)
        del self._running[running.handle]

    def _start_runnable(self) -> None:
        free = self._slots - len(self._running)
        if free <= 0:
            return
        now, jobs = time.monotonic(), list(self._jobs.in_order())
        waiting = [job.handle for job in jobs if job.state is JobState.RUNNABLE]
        ready = frozenset(handle for handle in waiting if self._not_before.get(handle, now) <= now)
        for job in in_turn(jobs, ready=ready)[:free]:
            self._start(job)

    def _start(self, job: JobRecord) -> None:
        request = request_of(job, self._catalog[job.kind], state=self._state, grace_s=self._grace_s)
        # First on disk that it runs: a process that dies between here and the start leaves a lost attempt, not two.
        started = attempt_started(job, now=datetime.now(UTC))
        self._jobs.save(started)
        self._not_before.pop(job.handle, None)
        self._running[job.handle] = self._attempt_of(started)
        self._running[job.handle].start(request)

    def _attempt_of(self, job: JobRecord) -> RunningAttempt:
        folder = self._state.attempt_folder(job.handle, job.attempt)
        return RunningAttempt(job.handle, job.attempt, folder, grace_s=self._grace_s)

    def _cancel(self, job: JobRecord, reason: str) -> None:
        """Also one that has been cancelled already: that may not have come to all of its children."""
        if job.is_ended:
            return
        cancelled = job.model_copy(update={"cancel_reason": job.cancel_reason or reason})
        running = self._running.get(job.handle)
        if job.array_size is not None:
            # Children that have not begun are over with this.
            self._jobs.save(cancelled)
            for child in list(self._jobs.children(job.handle)):
                self._cancel(child, reason)
        elif running is not None:
            self._jobs.save(cancelled)
            running.stop()
        else:
            self._jobs.save(job_ended(cancelled, JobState.FAILED, cancelled.cancel_reason or "", now=datetime.now(UTC)))
            self._not_before.pop(job.handle, None)

    def _interrupt(self, job: JobRecord, running: RunningAttempt) -> None:
        try:
            self._jobs.save(attempt_interrupted(job))
            running.stop()
        except OSError as exc:
            # A full disk: without its `stop` file the supervisor is killed when its time is over.
            log.error("attempt_not_interrupted", handle=job.handle, detail=str(exc))  # noqa: TRY400
            running.kill_after_grace()

    def _require_open(self) -> None:
        if self._closing or not self._thread.is_alive():
            raise Unavailable("executor_closed", str(self._state.root))
