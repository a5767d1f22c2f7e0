"""The toy job as a real process, beside a real internal API; a local executor whose leftovers are looked for."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from pipeline.execution.local.records import JobRecord
from pipeline.execution.local_process import LocalExecutor
from tests.fixtures.internal_api import InternalApi, open_internal_api
from tests.fixtures.local_executor import open_local_executor, processes_of

ROOT = Path(__file__).parents[3]
ENDS_WITHIN_S = 60.0

StartJob = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def api() -> Iterator[InternalApi]:
    with open_internal_api() as api:
        api.spec = {"source": api.source_spec()}
        yield api


@pytest.fixture
def start_job(tmp_path: Path) -> Iterator[StartJob]:
    """Start `python -m tests.fixtures.toy_job` with exactly this environment; leftovers end with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(environment: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
        job = subprocess.Popen(
            [sys.executable, "-m", "tests.fixtures.toy_job", *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "JOB_SCRATCH": str(tmp_path / "scratch"), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(job)
        return job

    yield start
    for job in started:
        if job.poll() is None:
            for child in psutil.Process(job.pid).children(recursive=True):
                child.kill()
            job.kill()
        job.communicate()


@pytest.fixture
def run_job(start_job: StartJob, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run it to its end: exit code and what it wrote to stderr. It must leave no scratch folder behind."""

    def run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
        job = start_job(environment, *arguments)
        _, said = job.communicate(timeout=ENDS_WITHIN_S)
        assert list((tmp_path / "scratch").glob("*")) == []
        return job.returncode, said

    return run


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    with closing(open_local_executor(tmp_path)) as executor:
        yield executor


@pytest.fixture
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Neither processes nor scratch folders nor, of ended jobs, secrets."""
    yield
    left = processes_of(tmp_path)
    for process in left:
        process.kill()
    assert left == []
    assert list((tmp_path / "scratch").glob("*")) == []
    for job in (tmp_path / "jobs").iterdir():
        ended = JobRecord.model_validate_json((job / "job.json").read_bytes()).is_ended
        assert (job / "environment.json").exists() != ended, "secrets are kept as long as the job lives"
