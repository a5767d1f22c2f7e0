"""What a command's exit code means. What runs a job by hand passes on the job's own: 0, 65 and 75."""

from enum import IntEnum

from pipeline.errors import AcademyError, Conflict, Invalid, NotFound, Unavailable


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


EXIT_CODES_HELP = """\b
Exit codes:
  0  done
  1  failed: the video or the work ended FAILED
  2  the command or a value in it cannot be used
  3  no such video or job
  4  refused: its state does not allow this
  5  the API does not answer
  65, 75  `academy transcode` and `academy omr` by hand: bad input, and worth another try
  130  Ctrl-C
"""


def exit_code_of(error: AcademyError) -> Exit:
    match error:
        case NotFound():
            return Exit.NOT_FOUND
        case Conflict():
            return Exit.REFUSED
        case Invalid():
            return Exit.USAGE
        case Unavailable():
            return Exit.UNREACHABLE
        case _:
            return Exit.FAILED
