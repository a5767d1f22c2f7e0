"""The settings say which executor runs the jobs."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pipeline.contracts.envelope import JobKind
from pipeline.errors import Invalid, Unavailable
from pipeline.execution.aws_batch import BatchExecutor
from pipeline.execution.executor import Submission
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


def test_a_submit_whose_answer_is_lost_is_not_made_again_by_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It may have happened: only who looks for the job by its name can tell."""
    heard: list[str] = []

    class Deaf(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.path)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Deaf)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BATCH", f"http://127.0.0.1:{server.server_port}")
    settings = Settings(academy_data=tmp_path, executor="aws", aws_region="ap-northeast-2")
    try:
        with open_executor(settings) as executor, pytest.raises(Unavailable, match="SubmitJob"):
            executor.submit(Submission("job-1", JobKind.TRANSCODE, {}, share="t"))
    finally:
        server.shutdown()
        server.server_close()
    assert heard == ["/v1/submitjob"]
