"""The settings say which executor runs the jobs."""

from pathlib import Path

import pytest

from pipeline.errors import Invalid, Unavailable
from pipeline.execution.aws_batch import BatchExecutor
from pipeline.execution.opening import open_executor
from pipeline.settings import Settings


def test_the_local_executor_keeps_its_state_in_the_data_folder_and_is_closed_at_the_end(tmp_path: Path):
    with open_executor(Settings(academy_data=tmp_path, executor="local")) as executor:
        assert executor.find("nobody") is None
        assert (tmp_path / "executor" / "jobs").is_dir()
    with pytest.raises(Unavailable, match="executor_closed"):
        executor.find("nobody")


def test_aws_without_a_region_says_which_setting_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(Invalid, match="AWS_REGION"), open_executor(Settings(academy_data=tmp_path, executor="aws")):
        pass


def test_aws_with_a_region_is_opened_without_asking_anybody(tmp_path: Path):
    settings = Settings(academy_data=tmp_path, executor="aws", aws_region="ap-northeast-2")
    with open_executor(settings) as executor:
        assert isinstance(executor, BatchExecutor)
