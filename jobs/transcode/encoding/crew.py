"""Threads that hand items to each other through bounded queues, and end together.

The first error of any of them stops all, and is the one that is raised. Nobody waits for ever: whoever waits for
room or for an item looks up several times a second whether the others are still at work.
"""

from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LOOK_UP_S = 0.2
# A thread that was told to stop finishes at most the picture it is at.
JOIN_S = 30.0


class Stopped(Exception):
    """Another thread failed; its error is the one that counts."""


class Stage(Generic[Item, Result]):
    """A thread that works through items; `result` is what its function returned."""

    def __init__(self, crew: "Crew", name: str, work: Callable[[Iterator[Item]], Result], *, depth: int) -> None:
        self._crew = crew
        self._work = work
        self._queue: Queue[Item | None] = Queue(depth)
        self._result: Result | None = None
        self.thread = Thread(target=self._run, name=name, daemon=True)

    def put(self, item: Item | None) -> None:
        """Hand an item on, None after the last one; waits for room and raises `Stopped`."""
        while True:
            self._crew.check()
            try:
                self._queue.put(item, timeout=LOOK_UP_S)
            except Full:
                continue
            return

    def _items(self) -> Iterator[Item]:
        while True:
            self._crew.check()
            try:
                item = self._queue.get(timeout=LOOK_UP_S)
            except Empty:
                continue
            if item is None:
                return
            yield item

    def _run(self) -> None:
        try:
            self._result = self._work(self._items())
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - a thread's boundary: raised again by the crew
            self._crew.fail(error)

    @property
    def result(self) -> Result:
        """After the crew has ended well."""
        assert self._result is not None
        return self._result


class Crew:
    """Holds the stages; leaving it waits for all of them and raises the first error there was."""

    def __init__(self) -> None:
        self._stages: list[Thread] = []
        self._stop = Event()
        self._lock = Lock()
        self._error: BaseException | None = None

    def start(self, name: str, work: Callable[[Iterator[Item]], Result], *, depth: int) -> Stage[Item, Result]:
        """Begin a thread; `depth` items at most wait for it."""
        stage: Stage[Item, Result] = Stage(self, name, work, depth=depth)
        self._stages.append(stage.thread)
        stage.thread.start()
        return stage

    def check(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def fail(self, error: BaseException) -> None:
        with self._lock:
            self._error = self._error or error
        self._stop.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Stopped):
            self.fail(error)
        for thread in self._stages:
            # Stages that were handed their last item end by themselves, others because the crew has stopped.
            while thread.is_alive() and not self._stop.is_set():
                thread.join(LOOK_UP_S)
            thread.join(JOIN_S)
        if self._error is not None and self._error is not error:
            raise self._error
