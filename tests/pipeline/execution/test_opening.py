"""The settings say which executor runs the jobs."""

from pathlib import Path

import pytest

from pipeline.errors import Invalid, Unavailable
from pipeline.execution.opening import open_executor
from pipeline.settings import Settings


def test_the_local_executor_keeps_its_state_in_the_data_folder_and_is_closed_at_the_end(tmp_path: Path):
    with open_executor(Settings(academy_data=tmp_path, executor="local")) as executor:
        assert executor.find("nobody") is None
        assert (tmp_path / "executor" / "jobs").is_dir()
    with pytest.raises(Unavailable, match="executor_closed"):
        executor.find("nobody")


def test_an_executor_that_is_not_built_yet_says_so(tmp_path: Path):
    with pytest.raises(Invalid, match="EXECUTOR=aws"), open_executor(Settings(academy_data=tmp_path, executor="aws")):
        pass
