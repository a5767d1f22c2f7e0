"""Starts the child that will probe a file. Apart from `probe`, which takes longer to load than a child to start."""

from contextlib import AbstractContextManager

from pipeline.media.sandbox.start import end_waiting, started_early

FILE_PROBER = "pipeline.media.probing:probe_file"


def probing_soon() -> AbstractContextManager[None]:
    """Within it the first `probe_file` finds its child started."""
    return started_early(FILE_PROBER)


def no_probing() -> None:
    """There is nothing to be probed after all: a child that waits for it is ended."""
    end_waiting(FILE_PROBER)
