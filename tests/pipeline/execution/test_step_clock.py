"""Steps with weights become one percentage that never goes back."""

import math
from contextlib import suppress

import pytest

from pipeline.contracts.envelope import Step
from pipeline.errors import PermanentError, TransientError
from pipeline.execution.step_clock import StepClock
from pipeline.progress.news import ProgressNews

FIRST = Step(name="downloading", index=1, weight=30, display_ko="가", display_en="A")
SECOND = Step(name="transcoding", index=2, weight=90, display_ko="나", display_en="B")
FOREIGN = Step(name="grading", index=1, weight=1, display_ko="다", display_en="C")


class Told:
    """Collects news; `time_s` is what the clock reads."""

    def __init__(self) -> None:
        self.news: list[ProgressNews] = []
        self.time_s = 100.0

    def show(self, news: ProgressNews) -> None:
        self.news.append(news)

    def clock(self) -> StepClock:
        return StepClock((FIRST, SECOND), self, on_report=lambda: None, now=lambda: self.time_s)


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_whole_is_the_weighted_sum_of_the_steps(told: Told):
    clock = told.clock()
    with clock.step(FIRST) as report:
        report(0.5)
    with clock.step(SECOND) as report:
        report(0.5)
    assert [news.percent for news in told.news] == [0, 12.5, 25, 25, 62.5, 100]
    assert [news.step_percent for news in told.news] == [0, 50, 100, 0, 50, 100]
    assert {news.step_total for news in told.news} == {2}


def test_neither_a_step_nor_the_whole_goes_back(told: Told):
    with told.clock().step(SECOND) as report:
        for fraction in (0.6, 0.2, -1.0, math.nan, 0.7, 9.0, math.inf):
            report(fraction)
    percents = [news.percent for news in told.news]
    assert percents == sorted(percents)
    assert [round(news.step_percent) for news in told.news] == [0, 60, 60, 60, 60, 70, 100, 100, 100]


def test_a_step_done_again_does_not_take_the_whole_back(told: Told):
    clock = told.clock()
    for step in (SECOND, FIRST):
        with clock.step(step):
            pass
    assert told.news[-1].percent == 100


def test_what_remains_is_told_once_it_means_something(told: Told):
    with told.clock().step(FIRST) as report:
        told.time_s += 1.0
        report(1.0)
        assert told.news[-1].remaining_s is None, "a second says nothing"
        told.time_s += 9.0
        report(1.0)
        assert told.news[-1].remaining_s == pytest.approx(30.0)


def test_nothing_remains_to_be_guessed_at_the_start(told: Told):
    with told.clock().step(FIRST) as report:
        told.time_s += 50.0
        report(0.01)
        assert told.news[-1].remaining_s is None


def test_steps_that_ended_are_timed_also_when_they_failed(told: Told):
    clock = told.clock()
    with clock.step(FIRST):
        told.time_s += 2.5
    with suppress(PermanentError), clock.step(SECOND):
        told.time_s += 1.0
        raise PermanentError("CORRUPT")
    assert [(step.name, step.seconds) for step in clock.step_times] == [("downloading", 2.5), ("transcoding", 1.0)]
    assert told.news[-1].step_percent == 0, "a step that failed is not shown as done"


def test_a_job_that_was_asked_to_stop_ends_at_its_next_report(told: Told):
    def stop() -> None:
        raise TransientError("TERMINATED")

    clock = StepClock((FIRST,), told, on_report=stop)
    with pytest.raises(TransientError), clock.step(FIRST):
        pass
    assert told.news == []


def test_a_step_of_another_job_is_refused(told: Told):
    with pytest.raises(ValueError, match="grading"), told.clock().step(FOREIGN):
        pass
