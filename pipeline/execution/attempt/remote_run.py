"""One attempt of a job for a control plane: start, work, outcome object, finish; or fail."""

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Generic

from pydantic import ValidationError

from pipeline.contracts.envelope import OUTCOME_NAME, Contract, OutputFile, StartReply, StepTime
from pipeline.errors import FencedError, JobError, PermanentError, TransientError
from pipeline.execution.attempt.control_plane_client import ControlPlaneClient, Refused, Unreachable
from pipeline.execution.attempt.scratch import open_scratch
from pipeline.execution.attempt.termination import Raised, Termination
from pipeline.execution.attempt.usage_watch import UsageWatch
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_TRANSIENT
from pipeline.execution.files.object_transfer import open_session
from pipeline.execution.files.presigned_files import PresignedFiles
from pipeline.execution.files.publisher import Publisher
from pipeline.execution.job_environment import JobEnvironment
from pipeline.execution.job_failure import detail_of, exit_code_of, failure_of, is_foreseen
from pipeline.execution.job_program import JobProgram, OutcomeT, SpecT
from pipeline.execution.step_clock import StepClock
from pipeline.execution.workplace import Workplace
from pipeline.logs import bind_log_context, get_logger
from pipeline.progress.board import open_board
from pipeline.progress.parts_sum import JOIN_ATTEMPT, PartOf
from pipeline.reasons import Reason

log = get_logger(__name__)


def run_remotely(program: JobProgram[SpecT, OutcomeT], environment: JobEnvironment, termination: Termination) -> int:
    """Do one attempt, tell the control plane how it ended, and return the exit code."""
    with ControlPlaneClient(environment, hurry=termination.asked) as client:
        attempt = _RemoteAttempt(program, environment, client=client, termination=termination)
        ended = termination.settle(attempt.work)
        code = attempt.tell_failure(ended.error) if isinstance(ended, Raised) else attempt.tell_outcome(ended)
        attempt.write_metrics()
        return code


class _RemoteAttempt(Generic[SpecT, OutcomeT]):
    """The work of one attempt and the telling of its end, which may need what the work left behind."""

    def __init__(
        self,
        program: JobProgram[SpecT, OutcomeT],
        environment: JobEnvironment,
        *,
        client: ControlPlaneClient,
        termination: Termination,
    ) -> None:
        self._program = program
        self._environment = environment
        self._client = client
        self._termination = termination
        self._step_times: Callable[[], tuple[StepTime, ...]] = tuple
        self._watch = UsageWatch()

    def work(self) -> OutcomeT:
        """Be told the spec, run the program, and store its outcome: from here on nothing that was made can be lost."""
        reply = self._client.start()
        with ExitStack() as stack:
            stack.enter_context(bind_log_context(tenant_id=reply.tenant_id, job_id=reply.job_id))
            log.info("attempt_started", kind=reply.kind.value, handle=self._environment.handle)
            spec = self._spec(reply)
            place = self._place(reply)
            board = stack.enter_context(
                open_board(
                    self._environment.redis_url,
                    reply.progress.keys,
                    job_id=reply.job_id,
                    attempt=self._environment.attempt if place is None else JOIN_ATTEMPT,
                    place=place,
                )
            )
            session = stack.enter_context(open_session())
            scratch = stack.enter_context(open_scratch(self._environment.scratch))
            self._watch.watch(scratch)
            clock = StepClock(self._program.steps, board, on_report=self._on_report)
            self._step_times = lambda: clock.step_times
            files = PresignedFiles(session, Publisher(session, self._client))
            workplace = Workplace(scratch, clock, files=files, devices=self._environment.devices)
            outcome = self._program.run(spec, workplace)
            _store_outcome(workplace, outcome)
            return outcome

    def _on_report(self) -> None:
        self._termination.raise_if_asked()
        self._watch.look()

    def write_metrics(self) -> None:
        """Last of all: the library takes a while to import, and whoever waits for this attempt has been told."""
        namespace = self._environment.metrics_namespace
        if namespace is None:
            return
        from pipeline.metrics.emf import EmfLines  # noqa: PLC0415  # see above
        from pipeline.metrics.usage import figures_of_usage  # noqa: PLC0415

        lines = EmfLines(namespace, emitter="job")
        lines.record(figures_of_usage(self._program.kind, self._watch.usage()))
        try:
            lines.flush()
        except OSError as exc:
            # Nobody reads stdout any more: how the attempt ended stays as it was told.
            log.warning("metrics_unwritten", error=str(exc))

    def tell_outcome(self, outcome: OutcomeT) -> int:
        try:
            state = self._client.finish(outcome.model_dump(mode="json"), usage=self._watch.usage())
        except Unreachable as exc:
            # The outcome object is stored: the executor's report, or the sweep, leads the control plane to it.
            log.warning("finish_undelivered", detail=detail_of(exc))
            return EXIT_DONE
        except (FencedError, Refused) as exc:
            return self.tell_failure(exc)
        log.info("attempt_finished", state=state)
        return EXIT_DONE

    def tell_failure(self, error: BaseException) -> int:
        failure = failure_of(error)
        if self._termination.asked.is_set() and not isinstance(failure, FencedError):
            # Whatever broke while everything was being stopped says nothing about the source.
            failure = TransientError(Reason.TERMINATED, "asked to stop")
        log.error(
            "attempt_failed",
            reason=failure.reason,
            detail=detail_of(failure),
            failure=type(failure).__name__,
            exc_info=None if is_foreseen(error) else error,
        )
        if isinstance(failure, FencedError):
            return exit_code_of(failure)
        if isinstance(error, Unreachable):
            return EXIT_TRANSIENT
        return self._report(failure)

    def _report(self, failure: JobError) -> int:
        try:
            self._client.fail(failure, self._step_times(), usage=self._watch.usage())
        except Unreachable as exc:
            # Not even of a permanent failure: another attempt finds the same and tells it.
            log.warning("fail_undelivered", detail=detail_of(exc))
            return EXIT_TRANSIENT
        except (FencedError, Refused) as exc:
            log.warning("fail_refused", detail=detail_of(exc))
        return exit_code_of(failure)

    def _place(self, reply: StartReply) -> PartOf | None:
        if reply.progress.part is None or self._program.shown_as is None:
            return None
        steps, step = self._program.shown_as
        return PartOf(reply.progress.part, steps, step)

    def _spec(self, reply: StartReply) -> SpecT:
        if reply.kind is not self._program.kind:
            raise PermanentError(
                Reason.INTERNAL_ERROR, f"this is the program of {self._program.kind}, not {reply.kind}"
            )
        try:
            return self._program.spec_type.model_validate_json(json.dumps(reply.spec))
        except ValidationError as exc:
            # The spec holds a signed URL: only where it is wrong may be quoted.
            places = {".".join(map(str, error["loc"])): error["msg"] for error in exc.errors(include_input=False)}
            raise PermanentError(Reason.INTERNAL_ERROR, f"the spec cannot be used: {places}") from None


def _store_outcome(workplace: Workplace, outcome: Contract) -> None:
    body = outcome.model_dump_json(indent=2).encode()
    root = Path(tempfile.mkdtemp(prefix="outcome-", dir=workplace.scratch))
    (root / OUTCOME_NAME).write_bytes(body)
    file = OutputFile(path=OUTCOME_NAME, size_bytes=len(body), content_type="application/json")
    workplace.publish(root, [file], lambda _fraction: None)
