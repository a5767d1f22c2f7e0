"""What each kind of job asks of an executor. Every executor, and the CDK stack, read the same lines."""

from dataclasses import dataclass
from typing import Literal

from pipeline.contracts.envelope import JobKind
from pipeline.execution.exit_codes import EXIT_TRANSIENT


@dataclass(frozen=True)
class RetryRule:
    """One rule of Batch's `evaluateOnExit`: the first that matches decides. A pattern may end in `*`."""

    action: Literal["RETRY", "EXIT"]
    on_exit_code: str | None = None
    on_status_reason: str | None = None

    def matches(self, exit_code: int | None, status_reason: str) -> bool:
        if self.on_status_reason is not None and not _matches(self.on_status_reason, status_reason):
            return False
        if self.on_exit_code is None:
            return True
        return exit_code is not None and _matches(self.on_exit_code, str(exit_code))


def _matches(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


# What Batch says of a container that has run and come to its end by itself.
EXITED = "Essential container in task exited"

# Batch takes five rules, and no match means RETRY there: the last one ends every container that came to an end which is
# not named before it. What never came to a container, such as an image that could not be fetched ("Task failed to
# start"), has no exit code, and whether `*` matches none is not written anywhere: it is tried again either way.
RETRY_RULES: tuple[RetryRule, ...] = (
    RetryRule("RETRY", on_status_reason="Host EC2*"),
    RetryRule("RETRY", on_exit_code=str(EXIT_TRANSIENT)),
    RetryRule("RETRY", on_exit_code="137"),
    RetryRule("RETRY", on_exit_code="143"),
    RetryRule("EXIT", on_exit_code="*", on_status_reason=f"{EXITED}*"),
)


QueueName = Literal["video", "small"]
# The folder below containers/ whose image the kind runs in.
ImageName = Literal["transcode", "vision"]


@dataclass(frozen=True)
class Profile:
    """A kind's container command and limits. `timeout_s` is per attempt; a job that ran into it is not repeated.

    `priority` (0 to 9999) orders the jobs of one tenant that wait in one queue, unless a submission says otherwise.
    """

    command: tuple[str, ...]
    queue: QueueName
    vcpus: int
    memory_mib: int
    attempts: int
    timeout_s: int
    image: ImageName = "transcode"
    gpus: int = 0
    priority: int = 0
    retry: tuple[RetryRule, ...] = RETRY_RULES

    def retries(self, *, attempt: int, exit_code: int | None, status_reason: str) -> bool:
        """Whether an attempt that ended this way is followed by another one."""
        if attempt >= self.attempts:
            return False
        rule = next((rule for rule in self.retry if rule.matches(exit_code, status_reason)), None)
        return rule is None or rule.action == "RETRY"


CATALOG: dict[JobKind, Profile] = {
    JobKind.TRANSCODE: Profile(
        command=("python", "-m", "jobs.transcode"),
        queue="video",
        image="transcode",
        # All of a g4dn, g5 or g6.xlarge: it has one GPU, so no second job could run beside this one. What the ECS agent
        # and the system keep of its 16 GiB is left to them.
        vcpus=4,
        memory_mib=12_288,
        gpus=1,
        attempts=3,
        timeout_s=6 * 3600,
    ),
    JobKind.OMR: Profile(
        command=("python", "-m", "jobs.omr"),
        queue="small",
        image="vision",
        vcpus=2,
        memory_mib=2048,
        attempts=3,
        timeout_s=3600,
    ),
}
