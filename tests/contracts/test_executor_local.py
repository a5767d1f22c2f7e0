"""The local executor keeps the executor's contract."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.execution.executor import Executor, Submission
from tests.contracts.executor_contract import Behaviour, ExecutorContract, ExecutorLab
from tests.fixtures.local_executor import open_local_executor, submission


class LocalLab(ExecutorLab):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.executor: Executor = open_local_executor(folder)

    def submission(self, name: str, behaviour: Behaviour) -> Submission:
        return submission(name, behaviour)

    def reopen(self) -> None:
        self.executor.close()
        self.executor = open_local_executor(self._folder)

    def close(self) -> None:
        self.executor.close()


class TestLocalExecutor(ExecutorContract):
    @pytest.fixture
    def lab(self, tmp_path: Path) -> Iterator[ExecutorLab]:
        with closing(LocalLab(tmp_path)) as lab:
            yield lab
