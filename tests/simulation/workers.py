"""The attempts of jobs, as `execution.attempt.remote_run` makes them, a step at a time so that others come between.

They crash, are reclaimed, hang, and wake up long after their end to go on as if nothing had happened.
"""

from collections.abc import Callable, Generator
from typing import Any

from control_plane.internal_jobs import rules
from control_plane.internal_jobs.tokens import JobKey
from control_plane.services import Services
from pipeline.contracts.envelope import (
    FailCall,
    FinishCall,
    OutputFile,
    StartCall,
    StartReply,
    UploadsCall,
    UploadsReply,
)
from pipeline.contracts.transcode_part import PART_NAME
from pipeline.errors import Conflict, Invalid, NotFound
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_PERMANENT, EXIT_TRANSIENT
from tests.control_plane.outcomes import outcome_body, outcome_json
from tests.simulation.arrays import BatchJob
from tests.simulation.batch import RECLAIMED, TIMED_OUT
from tests.simulation.faults import Faults
from tests.simulation.schedule import Schedule
from tests.simulation.store import MemoryStore

OUTPUTS = ("v1/0.m4s", "master.m3u8")
SOURCE_IS_BAD = "CORRUPT"
EXITED = "Essential container in task exited"
LAST_OUTPUTS = ("master.m3u8", PART_NAME, "outcome.json")
# A reclaim is what happens most.
DEATHS = (
    (1, EXITED),
    (137, "OutOfMemoryError: Container killed"),
    (None, RECLAIMED),
    (None, RECLAIMED),
    (137, TIMED_OUT),
)
CALLS = 6
PUTS = 4

Steps = Generator[float, None, int]
"""Yields pauses in seconds, returns the exit code."""


class Fenced(Exception):
    """409 or 404."""


class Refused(Exception):
    """422."""


class Unreachable(Exception):
    """No answer in all the time there was."""


class Attempt:
    """One attempt of a Batch job. `ask` makes a call as the network does. A child's is a `PartAttempt`."""

    def __init__(
        self,
        services: Services,
        batch_job: BatchJob,
        *,
        key: JobKey,
        store: MemoryStore,
        faults: Faults,
        ask: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self.services = services
        self.key = key
        self._store = store
        self._faults = faults
        self._ask = ask
        self.job = batch_job
        self.number = batch_job.attempt
        self.said = {"attempt": self.number, "handle": batch_job.id}

    def files(self) -> tuple[tuple[str, str], ...]:
        """Paths and bodies, in the order in which they are stored."""
        return (
            *((path, f"{path} of {self.job.id} {self.number}") for path in OUTPUTS),
            ("outcome.json", outcome_json()),
        )

    def tell_start(self, call: StartCall) -> StartReply:
        return rules.start(self.services, self.key, call)

    def tell_uploads(self, call: UploadsCall) -> UploadsReply:
        return rules.sign_uploads(self.services, self.key, call)

    def tell_finish(self) -> None:
        rules.finish(self.services, self.key, FinishCall(**self.said, outcome=outcome_body()))

    def tell_failure(self, call: FailCall) -> None:
        rules.fail(self.services, self.key, call)

    def steps(self) -> Steps:
        try:
            reply: StartReply = yield from self._call(lambda: self.tell_start(StartCall(**self.said)))
            self._note_missing(reply)
            yield self._faults.random.uniform(5.0, 40.0)
            if self._faults.strike("source is bad", share=0.3):
                return (yield from self._fail(SOURCE_IS_BAD, permanent=True))
            if self._faults.strike("source could not be read", share=0.3):
                return (yield from self._fail("STORAGE_UNAVAILABLE", permanent=False))
            for path, body in self.files():
                if not (yield from self._put(path, body)):
                    return (yield from self._fail("STORAGE_UNAVAILABLE", permanent=False))
        except Fenced:
            return EXIT_PERMANENT
        except Unreachable:
            return EXIT_TRANSIENT
        except Refused:
            return (yield from self._fail("INTERNAL_ERROR", permanent=True))
        return (yield from self._finish())

    def _note_missing(self, reply: StartReply) -> None:
        """What a job is told to fetch is there, whole, and for a join job of the children that it has waited for."""
        if (source := reply.spec.get("source")) is not None:
            stored = self._store.objects.get(self._store.key_of(source["url"]))
            if stored is None or stored.etag != source["etag"]:
                self._store.misread.append(f"{source['url']} of job {self.job.job_id}")
        array = self.job.waits_for
        for part, made in enumerate(reply.spec.get("made", ())):
            stored = self._store.objects.get(self._store.key_of(made["url"]))
            body = stored.body.decode() if stored is not None else ""
            writer = f"{PART_NAME} of {array.id}:{part} " if array is not None else ""
            if len(body) != made["size_bytes"] or not body.startswith(writer):
                self._store.misread.append(f"{made['url']} of job {self.job.job_id}")

    def _finish(self) -> Steps:
        try:
            yield from self._call(self.tell_finish)
        except Unreachable:
            return EXIT_DONE
        except Fenced:
            return EXIT_PERMANENT
        except Refused:
            return (yield from self._fail("INTERNAL_ERROR", permanent=True))
        return EXIT_DONE

    def _fail(self, reason: str, *, permanent: bool) -> Steps:
        call = FailCall(**self.said, reason=reason, permanent=permanent)
        try:
            yield from self._call(lambda: self.tell_failure(call))
        except Unreachable:
            return EXIT_TRANSIENT
        except (Fenced, Refused):
            pass
        return EXIT_PERMANENT if permanent else EXIT_TRANSIENT

    def _call(self, make: Callable[[], Any]) -> Generator[float, None, Any]:
        for pause_s in range(1, CALLS + 1):
            try:
                return self._ask(make)
            except (Conflict, NotFound) as error:
                raise Fenced from error
            except Invalid as error:
                raise Refused from error
            except Unreachable:
                yield float(pause_s)
        raise Unreachable

    def _put(self, path: str, body: str) -> Generator[float, None, bool]:
        """Whether it is stored, as far as this side knows: an answer may be lost, and so may what it says."""
        # Only of the last two: that what they name is there before them is for the job's own checks.
        if path in LAST_OUTPUTS and self._faults.strike("output left out", share=0.2):
            self._store.incomplete.add(str(self.key.job_id))
            return True
        file = OutputFile(path=path, size_bytes=len(body), content_type="video/mp4")
        call = UploadsCall(**self.said, files=(file,))
        reply: UploadsReply = yield from self._call(lambda: self.tell_uploads(call))
        for pause_s in range(1, PUTS + 1):
            # Between its signature and its bytes a worker may sleep for as long as it likes.
            yield float(pause_s)
            if self._faults.strike("PUT lost"):
                continue
            self._store.put(reply.files[0].url, body.encode())
            if not self._faults.strike("answer to a PUT lost"):
                return True
        return False


class Workers:
    """Machines on which attempts run; `end` tells Batch how one ended. `woke_up` counts those that went on after it."""

    def __init__(
        self,
        schedule: Schedule,
        faults: Faults,
        *,
        end: Callable[..., None],
        open_attempt: Callable[[BatchJob], Attempt],
    ) -> None:
        self._schedule = schedule
        self._faults = faults
        self._end = end
        self._open_attempt = open_attempt
        self.woke_up = 0

    def run(self, job: BatchJob) -> None:
        attempt = self._open_attempt(job)
        self._go_on(attempt, attempt.steps())

    def _go_on(self, attempt: Attempt, steps: Steps) -> None:
        has_ended = attempt.job.attempt != attempt.number
        if not has_ended and self._faults.strike("worker died", share=0.15):
            self._die(attempt, steps)
            return
        try:
            pause_s = next(steps)
        except StopIteration as stop:
            self._end(attempt.job, attempt.number, code=stop.value, reason=EXITED)
            return
        self._schedule.after(pause_s, lambda: self._go_on(attempt, steps))

    def _die(self, attempt: Attempt, steps: Steps) -> None:
        """For Batch at least: some of these only sleep."""
        code, reason = self._faults.random.choice(DEATHS)
        self._end(attempt.job, attempt.number, code=code, reason=reason)
        if self._faults.random.random() < 0.5:
            self.woke_up += 1
            self._schedule.after(self._faults.random.uniform(1.0, 120.0), lambda: self._go_on(attempt, steps))
