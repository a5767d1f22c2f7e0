"""Runs one attempt of a local job and outlives the executor that asked for it:

    python -m pipeline.execution.local.attempt_supervisor ATTEMPT_FOLDER

It leads a session of its own, in which everything of the attempt lives. It inherits the open, locked file `alive` from
the executor, and nobody else does: the lock is held from before its first instruction until its death.
It ends the attempt (SIGTERM, a grace time, SIGKILL) at its timeout, when the file `stop` appears, and on SIGTERM.
Whatever the program leaves running is killed with it. The last thing it does is to write `exit.json`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from pipeline.execution.local.attempt_files import AttemptRequest, ExitRecord, SessionRecord, write_atomically
from pipeline.execution.local.process_session import adopt_orphans, end_descendants, pid_space

LOOK_EVERY_S = 0.1
# The API and the database of the same machine come first.
NICENESS = 5
# What a shell answers for a command that is not there.
EXIT_NOT_STARTED = 127


class Supervisor:
    def __init__(self, folder: Path, request: AttemptRequest) -> None:
        self._folder = folder
        self._request = request
        self._told_to_stop = False

    def run(self) -> ExitRecord:
        """Run the attempt to its end and return how it ended."""
        signal.signal(signal.SIGTERM, self._on_sigterm)
        deadline = time.monotonic() + self._request.timeout_s
        try:
            job = subprocess.Popen(
                self._request.command,
                cwd=self._request.working_folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
            )
        except OSError as exc:
            sys.stderr.write(f"the command could not be started: {exc}\n")
            return ExitRecord(exit_code=EXIT_NOT_STARTED, timed_out=False, stopped_at=datetime.now(UTC))
        with job:
            timed_out = self._wait(job, deadline)
        # What the job leaves running ends with it.
        end_descendants()
        return ExitRecord(exit_code=_exit_code(job.returncode), timed_out=timed_out, stopped_at=datetime.now(UTC))

    def _wait(self, job: "subprocess.Popen[bytes]", deadline: float) -> bool:
        """Wait for the job's end, or bring it about; True where its time had run out."""
        while not self._must_stop():
            if _has_ended(job, within_s=LOOK_EVERY_S):
                return False
            if time.monotonic() >= deadline:
                self._end(job)
                return True
        self._end(job)
        return False

    def _must_stop(self) -> bool:
        return self._told_to_stop or (self._folder / "stop").exists()

    def _end(self, job: "subprocess.Popen[bytes]") -> None:
        # To the program alone, as Batch does: it decides about its children.
        job.terminate()
        if not _has_ended(job, within_s=self._request.grace_s):
            job.kill()
            job.wait()

    def _environment(self) -> dict[str, str]:
        stored: dict[str, str] = json.loads(self._request.environment_file.read_text(encoding="utf-8"))
        return {**self._request.base_environment, **stored, **self._request.attempt_environment}

    def _on_sigterm(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True


def _has_ended(job: "subprocess.Popen[bytes]", *, within_s: float) -> bool:
    try:
        job.wait(timeout=within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _exit_code(returncode: int) -> int:
    """What a shell, and Batch, would say: 128 + the signal's number for a process that a signal ended."""
    return 128 - returncode if returncode < 0 else returncode


def main(folder: Path) -> None:
    adopt_orphans()
    os.nice(NICENESS)
    session = SessionRecord(pid=os.getpid(), pid_space=pid_space(), created_at_s=time.time())
    # Before the job exists: what can be left behind can always be found.
    write_atomically(folder / "session.json", session.model_dump_json())
    request = AttemptRequest.model_validate_json((folder / "request.json").read_bytes())
    record = Supervisor(folder, request).run()
    # First the scratch folder, which may be what has filled the disk.
    shutil.rmtree(request.scratch, ignore_errors=True)
    write_atomically(folder / "exit.json", record.model_dump_json())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
