"""A server that dies is started again, and not for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.embedded.restarting import MOST_RESTARTS, WITHIN_S, Restarted
from pipeline.embedded.supervisor import Server, Supervisor
from pipeline.errors import Unavailable
from tests.pipeline.embedded.test_supervisor import POLITE, python, ready_file, supervisor

__all__ = ["supervisor"]


def test_a_dead_server_is_started_again_until_it_dies_too_often(supervisor: Supervisor, tmp_path: Path) -> None:
    now, servers = [0.0], []

    @contextmanager
    def start() -> Iterator[Server]:
        with supervisor.run(python(POLITE, tmp_path), ready_file(tmp_path), within_s=20) as server:
            servers.append(server)
            yield server

    def kill() -> None:
        servers[-1].child.kill()
        servers[-1].child.wait(timeout=10)

    with Restarted(start, clock=lambda: now[0]) as restarted:
        assert restarted.mend() is None
        for _ in range(MOST_RESTARTS):
            kill()
            assert "server ended by itself with code -9 and was started again" in str(restarted.mend())
            supervisor.check()
        kill()
        with pytest.raises(Unavailable, match="server ended by itself with code -9; the end of"):
            restarted.mend()
        now[0] = WITHIN_S
        assert restarted.mend() is not None, "the first of them was long ago"
    assert len(servers) == 1 + MOST_RESTARTS + 1
    assert not servers[-1].is_alive()
