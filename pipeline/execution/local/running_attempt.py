"""One attempt on this machine as the local executor sees it: started by it, or found again after a restart."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

import pipeline
from pipeline.execution.catalog import Profile
from pipeline.execution.local.attempt_files import AttemptRequest, ExitRecord, SessionRecord, try_lock, write_atomically
from pipeline.execution.local.process_session import end_session, kill_session_leader, pid_space
from pipeline.execution.local.records import JobRecord
from pipeline.execution.local.state import StateFolder
from pipeline.logs import get_logger

log = get_logger(__name__)

# `python -m jobs.…` finds its packages in its working folder, installed or not.
CODE_ROOT = Path(pipeline.__file__).parents[1]
# What a supervisor needs beyond the grace time to clear up and write its record.
SUPERVISOR_MARGIN_S = 5.0

# Nothing of the control plane's environment but this reaches a job: it is full of secrets.
_INHERITED = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
)  # fmt: skip


def base_environment() -> dict[str, str]:
    """What every job of this machine gets from the executor's own environment."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def command_of(profile: Profile) -> tuple[str, ...]:
    """The container's command on this machine: with the Python that runs this."""
    program, *arguments = profile.command
    return (sys.executable if program == "python" else program, *arguments)


def request_of(job: JobRecord, profile: Profile, *, state: StateFolder, grace_s: float) -> AttemptRequest:
    """What the supervisor of a job's next attempt is told; makes the attempt's folders, raises `OSError`."""
    scratch = state.scratch_folder(job.handle, job.attempt)
    for folder in (state.attempt_folder(job.handle, job.attempt), scratch):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    environment = {
        "AWS_BATCH_JOB_ID": job.handle,
        "AWS_BATCH_JOB_ATTEMPT": str(job.attempt),
        "JOB_SCRATCH": str(scratch),
    }
    if job.index is not None:
        environment["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
    return AttemptRequest(
        command=command_of(profile),
        working_folder=CODE_ROOT,
        scratch=scratch,
        base_environment=base_environment(),
        environment_file=state.environment_file(job.handle),
        attempt_environment=environment,
        timeout_s=profile.timeout_s,
        grace_s=grace_s,
    )


@dataclass
class RunningAttempt:
    """`supervisor` is None for an attempt that another process started: it is known by its lock alone."""

    handle: str
    attempt: int
    folder: Path
    grace_s: float
    supervisor: "subprocess.Popen[bytes] | None" = None
    _kill_at: float | None = field(default=None, init=False)

    def start(self, request: AttemptRequest) -> None:
        """Start a supervisor; raises `OSError` where that cannot be done."""
        write_atomically(self.folder / "request.json", request.model_dump_json())
        with (self.folder / "alive").open("wb") as alive, (self.folder / "output.log").open("ab") as output:
            if not try_lock(alive):
                raise BlockingIOError(f"attempt {self.attempt} of {self.handle} is already running")
            self.supervisor = subprocess.Popen(
                (sys.executable, "-m", "pipeline.execution.local.attempt_supervisor", str(self.folder)),
                cwd=CODE_ROOT,
                env=base_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(alive.fileno(),),
            )

    def is_running(self) -> bool:
        """Whether its supervisor lives; one that was told to stop and does not is killed after its time."""
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill_supervisor()
        if self.supervisor is not None:
            return self.supervisor.poll() is None
        try:
            with (self.folder / "alive").open("rb") as alive:
                return not try_lock(alive)
        except FileNotFoundError:
            return False

    def stop(self) -> None:
        """Ask the supervisor to end the attempt; asking again changes nothing."""
        self.kill_after_grace()
        (self.folder / "stop").touch()

    def kill_after_grace(self) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self.grace_s + SUPERVISOR_MARGIN_S

    def clear_up(self) -> ExitRecord | None:
        """How the attempt ended, None where nobody saw it; then whatever it has left running is killed."""
        with suppress(OSError, ValidationError):
            return ExitRecord.model_validate_json((self.folder / "exit.json").read_bytes())
        session = self._session()
        if session is not None and session.pid_space == pid_space():
            ended = end_session(session.pid, created_after_s=session.created_at_s)
            log.warning("attempt_lost", handle=self.handle, attempt=self.attempt, orphans_ended=ended)
        return None

    def _session(self) -> SessionRecord | None:
        with suppress(OSError, ValidationError):
            return SessionRecord.model_validate_json((self.folder / "session.json").read_bytes())
        return None

    def _kill_supervisor(self) -> None:
        session = self._session()
        if session is not None and session.pid_space == pid_space():
            log.error("supervisor_killed", handle=self.handle, attempt=self.attempt, pid=session.pid)
            kill_session_leader(session.pid)
        elif self.supervisor is not None:
            self.supervisor.kill()
