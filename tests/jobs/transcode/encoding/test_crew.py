"""Threads end together, whoever fails, and nobody waits for ever."""

import threading
from collections.abc import Iterator

import pytest

from jobs.transcode.encoding.crew import Crew


def test_items_pass_in_order_and_results_come_back():
    def double(items: Iterator[int]) -> list[int]:
        return [item * 2 for item in items]

    with Crew() as crew:
        stage = crew.start("double", double, depth=2)
        for number in range(50):
            stage.put(number)
        stage.put(None)
    assert stage.result == [number * 2 for number in range(50)]


def test_a_stage_that_fails_stops_the_one_who_feeds_it():
    """With a bounded queue and nobody who reads it, the feeder would wait for ever."""

    def fail_at_third(items: Iterator[int]) -> None:
        for item in items:
            if item == 3:
                raise ValueError("third")

    errors: list[Exception] = []

    def feed() -> None:
        try:
            with Crew() as crew:
                stage = crew.start("bad", fail_at_third, depth=1)
                for number in range(1000):
                    stage.put(number)
        except ValueError as error:
            errors.append(error)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    feeder.join(timeout=10)
    assert not feeder.is_alive()
    assert [str(error) for error in errors] == ["third"]


def test_a_stage_that_fails_stops_the_others():
    ended = threading.Event()

    def wait(items: Iterator[int]) -> None:
        try:
            for _ in items:
                pass
        finally:
            ended.set()

    def fail(_: Iterator[int]) -> None:
        raise KeyError("gone")

    def begin() -> None:
        with Crew() as crew:
            crew.start("waiting", wait, depth=1)
            crew.start("bad", fail, depth=1)

    with pytest.raises(KeyError, match="gone"):
        begin()
    assert ended.is_set()


def test_an_error_of_the_feeder_stops_all_stages_and_is_raised():
    threads: list[threading.Thread] = []

    def collect(items: Iterator[int]) -> list[int]:
        return list(items)

    def feed() -> None:
        with Crew() as crew:
            threads.append(crew.start("waiting", collect, depth=1).thread)
            raise RuntimeError("source")

    with pytest.raises(RuntimeError, match="source"):
        feed()
    assert not threads[0].is_alive()
