"""Loops outlive what fails in them."""

import threading
from threading import Event

from control_plane.background import LONGEST_PAUSE_S, Background, Chore, pause_after_failure_s
from tests.fixtures.waiting import wait_for


def test_the_pause_after_a_failure_grows_and_makes_no_rare_chore_a_frequent_one():
    assert [pause_after_failure_s(pause_s, every_s=0.1) for pause_s in (0.1, 1.0, 20.0)] == [1.0, 2.0, LONGEST_PAUSE_S]
    assert pause_after_failure_s(600.0, every_s=600.0) == 600.0


def test_a_loop_outlives_an_error_and_is_woken_at_once():
    rounds: list[int] = []
    failed = Event()

    def work(_stopping: Event) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            failed.set()
            raise RuntimeError("a bug")

    with Background() as background:
        background.start(Chore("chore", 3600, work))
        assert failed.wait(5)
        background.wake("chore")
        wait_for(lambda: len(rounds) > 1, "a second round")
        background.wake("unknown")
    assert not [thread for thread in threading.enumerate() if thread.name == "chore"]
