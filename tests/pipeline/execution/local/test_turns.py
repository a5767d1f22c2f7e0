"""Who of those that wait is started first on one machine."""

from datetime import UTC, datetime, timedelta

from pipeline.contracts.envelope import JobKind
from pipeline.execution.local.records import AttemptRecord, JobRecord
from pipeline.execution.local.turns import in_turn
from pipeline.lifecycle.job_state import JobState

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def job(name: str, *, priority: int = 0, started_s: float | None = None, runs: bool = False) -> JobRecord:
    """`a1` is the first job of share `a`."""
    attempts: tuple[AttemptRecord, ...] = ()
    if started_s is not None:
        attempts = (AttemptRecord(attempt=1, started_at=NOON + timedelta(seconds=started_s)),)
    return JobRecord(
        handle=name,
        name=name,
        kind=JobKind.TRANSCODE,
        sequence=int(name[1:]),
        created_at=NOON,
        state=JobState.RUNNING if runs else JobState.RUNNABLE,
        attempts=attempts,
        share=name[0],
        priority=priority,
    )


def order(*jobs: JobRecord) -> list[str]:
    ready = frozenset(job.handle for job in jobs if job.state is JobState.RUNNABLE)
    return [job.handle for job in in_turn(jobs, ready=ready)]


def test_tenants_take_turns_and_a_thousand_videos_of_one_do_not_starve_another():
    assert order(job("a1"), job("a2"), job("a3"), job("b4")) == ["a1", "b4", "a2", "a3"]


def test_the_tenant_with_fewer_running_comes_first_and_then_whoever_started_least_lately():
    assert order(job("a1", runs=True, started_s=0), job("a2"), job("b3")) == ["b3", "a2"]
    # One place: when it is free nothing runs, and the one that has just had it is not the next one.
    ended = job("a1", started_s=50).model_copy(update={"state": JobState.SUCCEEDED})
    before = job("b2", started_s=10).model_copy(update={"state": JobState.SUCCEEDED})
    assert order(ended, before, job("a3"), job("b4")) == ["b4", "a3"]


def test_within_a_tenant_priority_comes_before_the_order_of_submission_and_never_across():
    assert order(job("a1", priority=100), job("a2", priority=400), job("a3", priority=400)) == ["a2", "a3", "a1"]
    assert order(job("b1"), job("b2"), job("a3", priority=9999)) == ["b1", "a3", "b2"]


def test_what_pauses_is_passed_over():
    jobs = [job("a1", started_s=0), job("a2")]
    assert [j.handle for j in in_turn(jobs, ready=frozenset({"a2"}))] == ["a2"]
