"""A server that is started again when it dies, a few times: a crash once a week stops nobody, one a minute is told."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Final, Self

from pipeline.embedded.supervisor import Server, ended_by_itself
from pipeline.logs import get_logger

MOST_RESTARTS: Final = 3
WITHIN_S: Final = 600.0

logger = get_logger(__name__)


class Restarted(AbstractContextManager["Restarted"]):
    """Runs what `start` opens, until it is left."""

    def __init__(
        self, start: Callable[[], AbstractContextManager[Server]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._start = start
        self._clock = clock
        self._running = ExitStack()
        self._restarts: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self._server = self._running.enter_context(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def mend(self) -> str | None:
        """Start the server again where it has ended, and say so; None where it lives.

        Raises `Unavailable`, with the end of its log, where it does not start, and where it was restarted too often.
        """
        assert self._server is not None, "asked within it"
        if self._server.is_alive():
            return None
        if self._is_hopeless():
            raise ended_by_itself(self._server)
        code = self._server.child.returncode
        logger.warning("server_restarted", name=self._server.name, code=code)
        self._restarts.append(self._clock())
        self._running.close()
        name, log = self._server.name, self._server.log
        self._server = self._running.enter_context(self._start())
        return f"{name} ended by itself with code {code} and was started again; why may stand in {log}"

    def _is_hopeless(self) -> bool:
        return len(self._restarts) == MOST_RESTARTS and self._clock() - self._restarts[0] < WITHIN_S
