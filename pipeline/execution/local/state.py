"""What the local executor keeps on disk, below one folder that only one process may own:

    lock                                    held by the owner for as long as it lives
    jobs/{handle}/job.json                  the job and its attempts; replaced atomically at every change
    jobs/{handle}/environment.json          the job's variables, its token among them; mode 0600, removed at the end
    jobs/{handle}/attempts/{n}/request.json what the supervisor is to run
    jobs/{handle}/attempts/{n}/alive        held by the supervisor for as long as it lives
    jobs/{handle}/attempts/{n}/session.json the supervisor's own process, whose session everything of the attempt is in
    jobs/{handle}/attempts/{n}/stop         made to ask the supervisor to end the attempt
    jobs/{handle}/attempts/{n}/exit.json    how the attempt ended: the last thing that the supervisor does
    jobs/{handle}/attempts/{n}/output.log   what the attempt wrote
    jobs/{handle}/children/{index}/         a child of an array, once it has begun: the same but for the environment
    scratch/{handle}-{n}/                   the attempt's JOB_SCRATCH, removed with it; a child's {array}.{index}-{n}

The kernel lets go of a lock when its holder dies, whatever killed it, so that a held lock means a living process even
after a restart or a reused process number.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import Unavailable
from pipeline.execution.executor import index_of, parent_of
from pipeline.execution.local.attempt_files import sync_folder, try_lock, write_atomically
from pipeline.execution.local.records import JobRecord
from pipeline.logs import get_logger

log = get_logger(__name__)


class StateFolder:
    """The executor's folder. Files are whole or not there at all: they are written beside and renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.jobs = root / "jobs"
        self.scratch = root / "scratch"
        for folder in (root, self.jobs, self.scratch):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def job_folder(self, handle: str) -> Path:
        parent = parent_of(handle)
        return self.jobs / handle if parent is None else self.jobs / parent / "children" / str(index_of(handle))

    def attempt_folder(self, handle: str, attempt: int) -> Path:
        return self.job_folder(handle) / "attempts" / str(attempt)

    def scratch_folder(self, handle: str, attempt: int) -> Path:
        # No colon: what runs there may put the folder into a list of paths.
        return self.scratch / f"{handle.replace(':', '.')}-{attempt}"

    def environment_file(self, handle: str) -> Path:
        """Of a child its array's."""
        return self.job_folder(parent_of(handle) or handle) / "environment.json"

    def insert(self, job: JobRecord, environment: Mapping[str, str]) -> None:
        """Make the folder of a new job, whole or not at all."""
        building = Path(tempfile.mkdtemp(prefix=".new-", dir=self.jobs))
        try:
            write_atomically(building / "job.json", job.model_dump_json())
            # mkdtemp and write_atomically both keep others out: 0700 and 0600.
            write_atomically(building / "environment.json", json.dumps(dict(environment)))
            building.rename(self.job_folder(job.handle))
        except OSError:
            shutil.rmtree(building, ignore_errors=True)
            raise
        sync_folder(self.jobs)

    def save(self, job: JobRecord) -> None:
        folder = self.job_folder(job.handle)
        if job.index is not None and not folder.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_folder(folder.parent)
        write_atomically(folder / "job.json", job.model_dump_json())

    def load_all(self) -> Iterator[tuple[JobRecord, list[JobRecord]]]:
        """All jobs, with the children of arrays that are written down; what was not made whole is cleared away."""
        for folder in self.jobs.iterdir():
            if folder.name.startswith(".new-"):
                shutil.rmtree(folder, ignore_errors=True)
                continue
            try:
                job = _read(folder / "job.json")
                children = [_read(path) for path in folder.glob("children/*/job.json")]
            except (OSError, ValidationError) as exc:
                # The others must run on; to whoever asks, this one is unknown.
                log.error("local_job_unreadable", folder=str(folder), detail=str(exc))  # noqa: TRY400
                continue
            yield job, children

    def remove_job(self, handle: str) -> None:
        shutil.rmtree(self.job_folder(handle), ignore_errors=True)

    def remove_scratch(self, handle: str, attempt: int) -> None:
        shutil.rmtree(self.scratch_folder(handle, attempt), ignore_errors=True)

    def clear_scratch(self, *, except_for: Collection[tuple[str, int]]) -> None:
        """Remove the scratch folders of all attempts but these."""
        kept = {self.scratch_folder(handle, attempt) for handle, attempt in except_for}
        for folder in self.scratch.iterdir():
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def forget_environment(self, handle: str) -> None:
        self.environment_file(handle).unlink(missing_ok=True)


def _read(path: Path) -> JobRecord:
    return JobRecord.model_validate_json(path.read_bytes())


@contextmanager
def own_folder(root: Path) -> Iterator[None]:
    """Hold the folder's lock; raises `Unavailable` where another process owns it."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root / "lock").open("a+") as lock:
        if not try_lock(lock):
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise Unavailable("executor_folder_in_use", f"{root} is owned by process {owner}")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
