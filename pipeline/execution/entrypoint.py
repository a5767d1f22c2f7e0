"""The one place that owns errors, progress and exit codes of a job: `sys.exit(main(PROGRAM))` in its `__main__`.

With JOB_ID in the environment the job is told its spec by the control plane and reports to it; without, it runs
by hand: `python -m jobs.transcode FILE FOLDER [--spec fields.json]`.

    exit code   ended with                              told to the control plane
    0           an outcome                              finish; or nothing, and the sweep finds the outcome object
    65          PermanentError                          fail, permanent
    65          FencedError                             nothing: a newer attempt, or nobody, wants this one
    75          TransientError, SIGTERM, surprises      fail, transient
    75          PermanentError that could not be told   nothing: the next attempt tells it
"""

import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from pipeline.execution.attempt.termination import Termination
from pipeline.execution.exit_codes import EXIT_PERMANENT, EXIT_TRANSIENT
from pipeline.execution.job_program import JobProgram, OutcomeT, SpecT
from pipeline.logs import bind_log_context, configure_logs, get_logger

log = get_logger(__name__)


# Each way to run imports what it needs where it begins: the client of Redis and that of HTTP are a tenth of a second
# before the first picture of a run by hand.


def main(program: JobProgram[SpecT, OutcomeT], arguments: Sequence[str] | None = None) -> int:
    """Run the program as the environment says and return its exit code; `arguments` default to the process's own."""
    configure_logs(os.environ.get("LOG_LEVEL", "info"))
    termination = Termination()
    try:
        with termination:
            if "JOB_ID" in os.environ:
                return _run_remotely(program, termination)
            from pipeline.execution.attempt.by_hand import run_by_hand  # noqa: PLC0415  # see above

            return run_by_hand(program, sys.argv[1:] if arguments is None else arguments, termination)
    except Exception as exc:
        if not termination.asked.is_set():
            raise
        # Before the attempt began, perhaps in the middle of an import: there is nobody to tell, and it is tried again.
        log.warning("stopped_before_start", error=repr(exc))
        return EXIT_TRANSIENT


def _run_remotely(program: JobProgram[SpecT, OutcomeT], termination: Termination) -> int:
    from pipeline.execution.attempt.remote_run import run_remotely  # noqa: PLC0415
    from pipeline.execution.job_environment import JobEnvironment  # noqa: PLC0415  # see above

    try:
        environment = JobEnvironment.read(os.environ)
    except ValidationError as exc:
        places = {str(error["loc"][0]): error["msg"] for error in exc.errors(include_input=False)}
        log.error("environment_invalid", variables=places)  # noqa: TRY400  # a traceback tells nothing more
        return EXIT_PERMANENT
    part = {"part": environment.part} if environment.part is not None else {}
    with bind_log_context(job_id=environment.job_id, attempt=environment.attempt, **part):
        return run_remotely(program, environment, termination)
