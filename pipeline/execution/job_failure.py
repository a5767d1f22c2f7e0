"""What an exception that ended an attempt means: the one table from errors to what is told and the exit code."""

import errno
from collections.abc import Iterator

from pipeline.errors import AcademyError, FencedError, JobError, PermanentError, TransientError
from pipeline.execution.exit_codes import EXIT_PERMANENT, EXIT_TRANSIENT
from pipeline.logs import redact_text
from pipeline.reasons import Reason

DETAIL_CHARACTERS = 2000

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def failure_of(error: BaseException) -> JobError:
    """`error` as an error of a job. One that nobody foresaw is INTERNAL_ERROR and tried again."""
    if isinstance(error, JobError):
        return error
    if any(isinstance(link, OSError) and link.errno in _NO_ROOM for link in _chain(error)):
        return PermanentError(Reason.DISK_FULL, str(error))
    if isinstance(error, MemoryError):
        return TransientError(Reason.WORKER_KILLED, "out of memory")
    detail = error.detail if isinstance(error, AcademyError) else f"{type(error).__name__}: {error}"
    return TransientError(Reason.INTERNAL_ERROR, detail)


def is_foreseen(error: BaseException) -> bool:
    """Whether the error says by itself what happened, so that its traceback tells an operator nothing more."""
    return isinstance(error, JobError)


def reason_of(failure: JobError) -> Reason:
    """The failure's reason code; INTERNAL_ERROR for a text that is none."""
    return Reason(failure.reason) if failure.reason in Reason.__members__ else Reason.INTERNAL_ERROR


def detail_of(failure: JobError) -> str:
    """The failure's sentence, without signed URLs and no longer than the contract takes."""
    return redact_text(failure.detail)[:DETAIL_CHARACTERS]


def exit_code_of(failure: JobError) -> int:
    match failure:
        case TransientError():
            return EXIT_TRANSIENT
        case PermanentError() | FencedError() | _:
            return EXIT_PERMANENT


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
