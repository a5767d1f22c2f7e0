"""Why a job of this machine's executor waits: a pure function of what that executor goes by."""

from dataclasses import dataclass

from pipeline.execution.stuck.explanation import Cause, Explanation
from pipeline.lifecycle.job_state import JobState


@dataclass(frozen=True)
class LocalFacts:
    """`pause_s` is what is left of the pause before a retry, and `last_reason` how the attempt before it ended."""

    state: JobState
    attempt: int
    running: int
    slots: int
    pause_s: float = 0.0
    last_reason: str = ""


def explain_local(facts: LocalFacts) -> Explanation:
    if facts.state is JobState.PENDING:
        return Explanation(Cause.AFTER_ANOTHER_JOB, "It begins when the jobs that it depends on have succeeded.")
    if facts.state is not JobState.RUNNABLE:
        return Explanation(Cause.BEGUN, f"The executor of this machine says that it is {facts.state.value}.")
    if facts.pause_s > 0:
        why = f" The one before ended so: {facts.last_reason}." if facts.last_reason else ""
        return Explanation(Cause.RETRY_PAUSE, f"Attempt {facts.attempt} begins in {facts.pause_s:.0f} s.{why}")
    if facts.running >= facts.slots:
        return Explanation(
            Cause.NO_FREE_SLOT,
            f"This machine runs {facts.running} of at most {facts.slots} at a time.",
            "It goes on when one of them has ended. LOCAL_WORKERS sets how many run at a time.",
        )
    return Explanation(Cause.STARTING, "There is a free place; it begins at once.")
