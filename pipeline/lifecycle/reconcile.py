"""What news about a job means for it: one pure function for events, the sweep and the job's own calls.

    news               from                                        may lead to
    Reported           an executor's event or the sweep            Advance, SeekOutcome, Fail, Ignore
    Unknown            the sweep: the executor has no such job     SeekOutcome, Ignore
    Started            the job's `start`                           Advance, Refuse
    Finished           the job's `finish`, or its outcome object   Succeed, Ignore, Refuse
    OutcomeLeft        a look for the outcome object               Succeed, Ignore
    OutcomeAbsent      a look for the outcome object               Fail, Ignore
    FailedForGood      the job's `fail`, permanent                 Fail, Ignore, Refuse
    FailedForNow       the job's `fail`, transient                 RecordReason, Ignore, Refuse
    PartFailed         a child of its array, or the sweep          Fail, Ignore
    Cancelled          a person                                    Fail, Refuse

Late, doubled and reordered news does nothing: a job's place only moves forward. Only `OutcomeLeft` ends a job at an
attempt that is not its newest.
"""

from dataclasses import dataclass

from pipeline.lifecycle.job_state import FINAL, JobState, Place
from pipeline.reasons import Reason


@dataclass(frozen=True)
class JobView:
    """What reconcile needs of a job row. `last_reason` is what an attempt said when it asked to be tried again."""

    place: Place
    handle: str | None
    last_reason: Reason | None = None
    last_detail: str = ""


@dataclass(frozen=True)
class Reported:
    """The executor's own report; `exit_code` is that of the newest ended attempt, None where it has none."""

    handle: str
    place: Place
    exit_code: int | None
    status_reason: str


@dataclass(frozen=True)
class Unknown:
    """The executor does not know the handle (any more)."""


@dataclass(frozen=True)
class Started:
    handle: str
    attempt: int


@dataclass(frozen=True)
class Finished:
    """An outcome of this attempt exists, whole and ready to publish."""

    handle: str
    attempt: int


@dataclass(frozen=True)
class OutcomeLeft:
    """The executor says that the job has ended, and of its attempts this one, not the newest, left a whole outcome.

    It was taken for lost before it could say so, and those after it came to nothing.
    """

    attempt: int


@dataclass(frozen=True)
class OutcomeAbsent:
    """The executor says that the job has ended, and none of its attempts left an outcome object."""

    ended: Reported | Unknown


@dataclass(frozen=True)
class FailedForGood:
    handle: str
    attempt: int
    reason: Reason
    detail: str


@dataclass(frozen=True)
class FailedForNow:
    handle: str
    attempt: int
    reason: Reason
    detail: str


@dataclass(frozen=True)
class PartFailed:
    """A child of the array that makes the job's parts has failed for good: the job itself will never begin."""

    part: int
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Cancelled:
    by: str


News = (
    Reported
    | Unknown
    | Started
    | Finished
    | OutcomeLeft
    | OutcomeAbsent
    | FailedForGood
    | FailedForNow
    | PartFailed
    | Cancelled
)


@dataclass(frozen=True)
class Ignore:
    """Nothing new."""


@dataclass(frozen=True)
class Refuse:
    """The caller is not the newest attempt of a live job: `reason` is told to it, and nothing changes."""

    reason: str


@dataclass(frozen=True)
class Advance:
    place: Place


@dataclass(frozen=True)
class SeekOutcome:
    """The job has ended outside our sight: look for the outcome object of `attempt`, or an older one, and ask again."""

    attempt: int


@dataclass(frozen=True)
class RecordReason:
    """Keep the reason on the row; the executor decides whether there is another attempt."""

    attempt: int
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Succeed:
    """Publish the outputs of `attempt`."""

    attempt: int


@dataclass(frozen=True)
class Fail:
    attempt: int
    reason: Reason
    detail: str


Decision = Ignore | Refuse | Advance | SeekOutcome | RecordReason | Succeed | Fail

# 128 + SIGKILL. The kernel's out-of-memory killer and a reclaimed machine both end a process this way.
EXIT_KILLED = 137
# What AWS Batch, and the executor of one machine, say of an attempt that took longer than its profile allows.
ATTEMPT_TIMED_OUT = "Job attempt duration exceeded timeout"


def reconcile(job: JobView, news: News) -> Decision:
    """What `news` means for `job`; the caller acts on it in one transaction that holds the job's row."""
    match news:
        case Reported():
            return _reported(job, news)
        case Unknown():
            # A job without a handle was never submitted, so nobody can know it.
            if job.place.state in FINAL or job.handle is None:
                return Ignore()
            return SeekOutcome(job.place.attempt)
        case OutcomeLeft():
            # Not fenced: where the executor has ended the job, nobody else can publish any more.
            return Ignore() if job.place.state in FINAL else Succeed(news.attempt)
        case OutcomeAbsent():
            return _absent(job, news)
        case Started():
            return _started(job, news)
        case Finished():
            # A repeated `finish` of the published attempt must hear yes: its first answer may have been lost.
            if job.place == Place(news.attempt, JobState.SUCCEEDED):
                return Ignore()
            return _fenced(job, news.handle, news.attempt) or Succeed(news.attempt)
        case FailedForGood():
            if job.place == Place(news.attempt, JobState.FAILED):
                return Ignore()
            return _fenced(job, news.handle, news.attempt) or Fail(news.attempt, news.reason, news.detail)
        case FailedForNow():
            if job.place == Place(news.attempt, JobState.FAILED):
                return Ignore()
            return _fenced(job, news.handle, news.attempt) or RecordReason(news.attempt, news.reason, news.detail)
        case PartFailed():
            if job.place.state in FINAL:
                return Ignore()
            return Fail(job.place.attempt, news.reason, f"part {news.part}: {news.detail}")
        case Cancelled():
            if job.place.state in FINAL:
                return Refuse("job_has_ended")
            return Fail(job.place.attempt, Reason.CANCELLED, f"by {news.by}")


def _fenced(job: JobView, handle: str, attempt: int) -> Refuse | None:
    """The refusal of a caller that is not the newest attempt of this live job, if it is to be refused."""
    if job.place.state in FINAL:
        return Refuse("job_has_ended")
    if job.handle is not None and handle != job.handle:
        return Refuse("not_this_jobs_handle")
    if attempt < job.place.attempt:
        return Refuse("attempt_is_stale")
    return None


def _started(job: JobView, news: Started) -> Decision:
    refusal = _fenced(job, news.handle, news.attempt)
    if refusal is not None:
        return refusal
    place = Place(news.attempt, JobState.RUNNING)
    # The executor's report can arrive first; the job must still be told its spec.
    return Advance(place) if job.place.is_before(place) else Ignore()


def _reported(job: JobView, news: Reported) -> Decision:
    if job.place.state in FINAL or (job.handle is not None and news.handle != job.handle):
        return Ignore()
    if news.place.state in FINAL:
        # An executor repeats attempts, not ended jobs. One that ended while it waited for its next attempt is reported
        # with the attempts that it had, which are fewer than we know of.
        return SeekOutcome(max(news.place.attempt, job.place.attempt))
    return Advance(news.place) if job.place.is_before(news.place) else Ignore()


def _absent(job: JobView, news: OutcomeAbsent) -> Decision:
    if job.place.state in FINAL:
        return Ignore()
    match news.ended:
        case Unknown():
            return Fail(job.place.attempt, Reason.JOB_LOST, f"the executor does not know {job.handle}")
        case Reported() as report:
            reason, detail = reason_of_end(report, said=job.last_reason, detail=job.last_detail)
            return Fail(max(job.place.attempt, report.place.attempt), reason, detail)


def reason_of_end(report: Reported, *, said: Reason | None, detail: str) -> tuple[Reason, str]:
    """Why a job failed. What killed its last attempt comes before what that one, or one before it, `said` of itself."""
    if report.place.state is JobState.SUCCEEDED:
        return Reason.OUTCOME_MISSING, "the executor reports success"
    seen = f"{report.status_reason} (exit code {report.exit_code})"
    # In full: a machine that cannot start a container may say that something else has timed out.
    if report.status_reason.startswith(ATTEMPT_TIMED_OUT):
        return Reason.TIMED_OUT, seen
    if report.exit_code == EXIT_KILLED:
        return Reason.WORKER_KILLED, seen
    if said is not None:
        return said, detail
    return Reason.JOB_LOST, seen
