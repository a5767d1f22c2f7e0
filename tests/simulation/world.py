"""One seed's world: the control plane's own code between simulated neighbours, until all is quiet."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, tzinfo
from random import Random
from threading import Event
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch
from uuid import UUID

from psycopg.errors import LockNotAvailable
from pydantic import SecretStr

from control_plane.background import Background
from control_plane.dispatch import dispatcher, terminations
from control_plane.events.consumer import consume
from control_plane.events.queue import Message
from control_plane.events.state_changes import read_state_change
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling import abandoned
from control_plane.reconciling import sweep as sweeping
from control_plane.reconciling.apply import view_of
from control_plane.reconciling.sweep import news_of, sweep
from control_plane.services import Services
from pipeline.database.jobs_of_all_tenants import find_jobs_by_handles
from pipeline.errors import RequestError, Unavailable
from pipeline.execution.aws_batch import BatchExecutor
from pipeline.execution.catalog import CATALOG
from pipeline.execution.token_bucket import TokenBucket
from pipeline.identifiers import TenantId
from pipeline.lifecycle.job_state import JobState
from pipeline.lifecycle.reconcile import Ignore, reconcile
from pipeline.settings import Settings
from tests.simulation.arrays import BatchJob
from tests.simulation.batch import PREFIX, SimulatedBatch
from tests.simulation.database import Cut, SimulatedDatabase, SimulatedPool
from tests.simulation.faults import LEAST, MOST, Faults, Killed
from tests.simulation.mail import Mail
from tests.simulation.part_workers import PartAttempt
from tests.simulation.schedule import Schedule
from tests.simulation.store import MemoryStore
from tests.simulation.users import Records, User
from tests.simulation.workers import Attempt, Unreachable, Workers

UPLOADS_WITHIN_S = 120.0
FAULTS_FOR_S = 500.0
# Longest back-off, grace and time-out together are minutes; whoever needs hours will never come.
QUIET_WITHIN_S = 6 * 3600.0
SWEEP_EVERY_S = 15.0
DISPATCH_EVERY_S = 8.0
HEARS_WITHIN_S = 0.5
BETWEEN_SHARE = 0.1
# What explains an error: a fault, or a row that somebody held while this one came between.
INJECTED = (Killed, Cut, Unavailable, LockNotAvailable)
# An eighth of all videos is made by arrays, of two to four parts; more of all jobs, since those fail more often.
LONG_SHARE = 1 / 8
SHORT_S, SPLIT_ABOVE_S, LONGEST_S, SPLIT_PART_S = 60.0, 90.0, 240.0, 60.0
OUTPUTS_GRACE_S = 60.0
MULTIPART_ABOVE_BYTES = 16
OUTAGES_S = (300.0, 2 * 86_400.0)
# A video needs about forty, and the loops of six hours in which nothing comes to rest some ten thousand.
TRANSACTIONS, TRANSACTIONS_OF_A_VIDEO = 40_000, 1_000


class _Silent:
    """A board that nobody reads."""

    def put(self, key: str, value: object, *, version: int) -> None:
        return


class _Waking(Background):
    """Loops of the simulation's own: this only passes on who is woken."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        super().__init__()
        self._wake = wake

    def wake(self, name: str) -> None:
        self._wake(name)


class World:
    """`violations` are what must never happen; `surprises` are errors that no injected fault explains."""

    def __init__(self, database: SimulatedDatabase, seed: int, *, videos: int, drops_events: bool = False) -> None:
        random = Random(seed)
        self.schedule = Schedule()
        self.begun_s = self.schedule.now.timestamp()
        self.faults = Faults(random, rate=random.uniform(LEAST, MOST))
        self.database = database
        self.records = Records()
        self.violations: list[str] = []
        self.surprises: list[str] = []
        self._nested = False
        self._asked: Callable[[], Any] | None = None
        self._will_hear = False
        self._down_until_s = 0.0
        self.pool = SimulatedPool(
            database,
            self.schedule,
            self.faults,
            transactions=TRANSACTIONS + videos * TRANSACTIONS_OF_A_VIDEO,
            meanwhile=self._let_another_come_between,
        )
        self.mail = Mail(self.schedule, self.faults, drops_all=drops_events)
        self.store = MemoryStore(self.schedule, self.faults, meanwhile=self._let_another_be_faster)
        self.batch = SimulatedBatch(self.schedule, self.faults, self.mail, meanwhile=self._let_another_be_faster)
        self.services = self._services()
        self.workers = Workers(self.schedule, self.faults, end=self.batch.end_attempt, open_attempt=self._open_attempt)
        self.batch.on_submit = self.pool.note_submit
        self.batch.run = self.workers.run
        self.mail.on_delete = self._check_delete
        self.mail.on_arrival = self._hear_soon
        self._begin(videos)

    def _services(self) -> Services:
        clock = TokenBucket(50.0, 50, clock=lambda: self.schedule.now_s, sleep=lambda _s: None)
        executor = BatchExecutor(
            cast("Any", self.batch), cast("Any", None), prefix=PREFIX, log_group="", catalog=CATALOG, bucket=clock
        )
        return Services(
            settings=Settings.model_construct(
                job_token_secret=SecretStr("s" * 32),
                outputs_grace_s=OUTPUTS_GRACE_S,
                split_above_s=SPLIT_ABOVE_S,
                split_part_s=SPLIT_PART_S,
                multipart_above_bytes=MULTIPART_ABOVE_BYTES,
                part_bytes=MULTIPART_ABOVE_BYTES,
            ),
            pool=self.pool.as_pool(),
            store=self.store,
            executor=executor,
            board=cast("Any", _Silent()),
            progress=cast("Any", None),
            probe=lambda _url, _size: cast("Any", SimpleNamespace(duration_s=self._duration_s())),
            background=_Waking(self._wake),
        )

    def _duration_s(self) -> float:
        random = self.faults.random
        return random.uniform(SPLIT_ABOVE_S + 1, LONGEST_S) if random.random() < LONG_SHARE else SHORT_S

    def _begin(self, videos: int) -> None:
        random = self.faults.random
        for _ in range(videos):
            steps = self._user().steps()
            self.schedule.after(random.uniform(0.0, UPLOADS_WITHIN_S), _stepping(self.schedule, steps))
        self._loop(DISPATCH_EVERY_S, self._dispatch)
        self._loop(SWEEP_EVERY_S, lambda: self._round(lambda: sweep(self.services, Event())))
        self._loop(SWEEP_EVERY_S, self._terminate)
        self._loop(60.0, lambda: self._round(lambda: abandoned.delete_abandoned_outputs(self.services, Event())))
        if random.random() < 0.3:
            outage_s = random.choice(OUTAGES_S)
            self.schedule.after(random.uniform(10.0, 200.0), lambda: self._go_down(outage_s))

    def _user(self) -> User:
        return User(self.services, store=self.store, faults=self.faults, records=self.records, ask=self._ask)

    def run(self) -> None:
        while self.schedule.now_s < max(FAULTS_FOR_S, self._down_until_s) and self._is_busy():
            self.schedule.run_next()
        self.faults.stop()
        self.settle()
        self.store.poisoned.clear()
        self.settle()
        self._clean_up()

    def settle(self) -> None:
        end_s = max(self.schedule.now_s, self._down_until_s) + QUIET_WITHIN_S
        while self._is_busy():
            if self.schedule.now_s > end_s:
                self.violations.append(f"not quiet {QUIET_WITHIN_S:.0f} s after the last fault: {self._owed()}")
                return
            self.schedule.run_next()

    def _clean_up(self) -> None:
        """Long after the last word: whatever nobody uses is deleted, some at a time."""
        self.schedule.now_s += 2 * OUTPUTS_GRACE_S
        for _ in range(sum(len(job.attempts) for job in self.batch.jobs.values()) // abandoned.AT_ONCE + 1):
            self._round(lambda: abandoned.delete_abandoned_outputs(self.services, Event()))

    def _is_busy(self) -> bool:
        return self.schedule.has_actions or bool(self._owed())

    def _owed(self) -> list[Any]:
        """Jobs that have not ended, or whose end the executor has still to hear of; not those that cannot."""
        rows = self.database.fetch(
            "SELECT id, state, attempt, handle, asset_id FROM jobs"
            " WHERE state NOT IN ('succeeded', 'failed') OR (cancelled_at IS NOT NULL AND terminated_at IS NULL)"
        )
        poisoned = "".join(self.store.poisoned)
        return [row[:4] for row in rows if str(row[4]) not in poisoned]

    # What the control plane does, and how its calls go wrong.

    def _loop(self, every_s: float, work: Callable[[], None]) -> None:
        def turn() -> None:
            if not self._is_down:
                work()
            self.schedule.loop_after(max(every_s, self._down_until_s - self.schedule.now_s), turn)

        self.schedule.loop_after(every_s, turn)

    @property
    def _is_down(self) -> bool:
        return self.schedule.now_s < self._down_until_s

    def _go_down(self, for_s: float) -> None:
        if self.faults.are_on:
            self.faults.counts["outage"] += 1
            self._down_until_s = self.schedule.now_s + for_s
            self.schedule.after(for_s, self._hear_soon)

    def _wake(self, name: str) -> None:
        works = {dispatcher.NAME: self._dispatch, terminations.NAME: self._terminate}
        self.schedule.after(0.0, works[name])

    def _dispatch(self) -> None:
        self._round(lambda: dispatcher.dispatch(self.services, Event()))

    def _terminate(self) -> None:
        self._round(lambda: terminations.terminate_cancelled(self.services, Event()))

    def _hear_soon(self) -> None:
        """A receive takes what has come since the last one."""
        if not self._will_hear:
            self._will_hear = True
            self.schedule.after(HEARS_WITHIN_S, self._hear)

    def _hear(self) -> None:
        self._will_hear = False
        self._round(lambda: consume(self.services, self.mail, Event()))

    def _round(self, work: Callable[[], None]) -> None:
        """A loop's round, which outlives any error; only those that were injected are none of its own."""
        if self._is_down:
            return
        try:
            work()
        except INJECTED:
            return
        except Exception:  # noqa: BLE001
            self.surprises.append(traceback.format_exc())

    def _ask(self, make: Callable[[], Any]) -> Any:
        """A request over the network; raises what the API refuses with, or `Unreachable`."""
        if self._is_down or self.faults.strike("request lost", share=0.5):
            raise Unreachable
        self._asked = make
        try:
            reply = make()
        except INJECTED as error:
            raise Unreachable from error
        except RequestError:
            raise
        except Exception as error:
            self.surprises.append(traceback.format_exc())
            raise Unreachable from error
        finally:
            self._asked = None
        if self.faults.strike("answer lost", share=0.5):
            raise Unreachable
        return reply

    def _let_another_be_faster(self) -> None:
        """Between a look and what follows from it, somebody else acts, or the same request comes again."""
        if self._nested or not self.faults.strike("another was faster", share=0.5):
            return
        self._nested, asked = True, self._asked
        try:
            if self.pool.open > 0:
                # Whoever needs the row that is held would wait; another dispatcher passes it over.
                self._dispatch()
            elif asked is not None and self.faults.random.random() < 0.5:
                with suppress(Unreachable, RequestError):
                    self._ask(asked)
            else:
                self.schedule.run_next_action_early()
        finally:
            self._nested, self._asked = False, asked

    def _let_another_come_between(self) -> None:
        """Two statements of one transaction: the same request again, by a second click, or whatever would come next.

        Who needs a row that is held gives up soon: see `lock_timeout`.
        """
        if self._nested or not self.faults.strike("another came between", share=BETWEEN_SHARE):
            return
        self._nested, asked = True, self._asked
        try:
            if asked is not None:
                with suppress(Unreachable, RequestError):
                    self._ask(asked)
            else:
                self.schedule.run_next_action_early()
        finally:
            self._nested, self._asked = False, asked

    def _open_attempt(self, batch_job: BatchJob) -> Attempt:
        ((tenant_id, asset_id),) = self.database.fetch(
            "SELECT tenant_id, asset_id FROM jobs WHERE id = %s", batch_job.job_id
        )
        if self.faults.strike("outputs of a video cannot be read", share=0.15):
            self.store.poisoned.add(f"tenants/{tenant_id}/videos/{asset_id}/hls/")
        key = JobKey(TenantId(tenant_id), UUID(batch_job.job_id))
        kind = Attempt if batch_job.index is None else PartAttempt
        return kind(self.services, batch_job, key=key, store=self.store, faults=self.faults, ask=self._ask)

    def _check_delete(self, message: Message) -> None:
        """What a message says must be stored before it is gone."""
        report = read_state_change(message.body)
        of_child = report.parent is not None
        if of_child and report.state is not JobState.FAILED:
            return
        for job in find_jobs_by_handles(self.database.committed, [report.parent or report.handle]):
            if of_child:
                is_lost = job.is_live
            else:
                is_lost = job.handle == report.handle and not isinstance(
                    reconcile(view_of(job), news_of(report)), Ignore
                )
            if is_lost:
                self.violations.append(f"message deleted before its commit: {report.handle} {report.state}")


def _stepping(schedule: Schedule, steps: Iterator[float]) -> Callable[[], None]:
    def step() -> None:
        pause_s = next(steps, None)
        if pause_s is not None:
            schedule.after(pause_s, step)

    return step


@contextmanager
def virtual_time(world: World) -> Iterator[None]:
    """Identifiers come from the seed, and the clock that Python reads is the world's."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return world.schedule.now.astimezone(tz)

    random = world.faults.random
    with ExitStack() as stack:
        stack.enter_context(patch.object(sweeping, "datetime", Clock))
        stack.enter_context(patch("pipeline.identifiers.uuid4", lambda: UUID(int=random.getrandbits(128), version=4)))
        yield
