"""Which executor this installation uses."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import boto3
from botocore.config import Config

from pipeline.errors import Invalid
from pipeline.execution.aws_batch import BatchExecutor
from pipeline.execution.catalog import CATALOG
from pipeline.execution.executor import Executor
from pipeline.execution.local_process import LocalExecutor
from pipeline.settings import Settings


@contextmanager
def open_executor(settings: Settings) -> Iterator[Executor]:
    """The executor of the settings; leaving the block ends what a local one runs, to be tried again later.

    Credentials for AWS come from where boto3 looks for them: the task's role, the environment, or a profile.
    """
    match settings.executor:
        case "local":
            with closing(LocalExecutor(settings.academy_data / "executor", slots=settings.local_workers)) as executor:
                yield executor
        case "aws":
            with closing(_open_batch(settings)) as executor:
                yield executor


def _open_batch(settings: Settings) -> BatchExecutor:
    """Raises `Invalid` where nothing says in which region."""
    # A SubmitJob whose answer was lost may have happened: botocore would make another job of it. Who asks again is the
    # executor, where a call was throttled, and otherwise its caller, who looks for the job first.
    once = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1, "mode": "standard"})
    twice = once.merge(Config(retries={"total_max_attempts": 2, "mode": "standard"}))
    session = boto3.Session(region_name=settings.aws_region)
    if session.region_name is None:
        raise Invalid("settings_incomplete", "EXECUTOR=aws needs AWS_REGION")
    return BatchExecutor(
        session.client("batch", config=once),
        session.client("logs", config=twice),
        prefix=settings.batch_prefix,
        log_group=settings.batch_log_group,
        catalog=CATALOG,
    )
