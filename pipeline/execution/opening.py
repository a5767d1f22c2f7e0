"""Which executor this installation uses."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from pipeline.errors import Invalid
from pipeline.execution.executor import Executor
from pipeline.execution.local_process import LocalExecutor
from pipeline.settings import Settings


@contextmanager
def open_executor(settings: Settings) -> Iterator[Executor]:
    """The executor of the settings; leaving the block ends what a local one runs, to be tried again later."""
    match settings.executor:
        case "local":
            with closing(LocalExecutor(settings.academy_data / "executor", slots=settings.local_workers)) as executor:
                yield executor
        case "aws":
            raise Invalid("executor_not_supported", "EXECUTOR=aws is not built yet; use EXECUTOR=local")
