"""Files of a job in a container or a local process: the source and the outputs are presigned URLs."""

from collections.abc import Sequence
from pathlib import Path

import requests

from pipeline.contracts.envelope import OutputFile
from pipeline.contracts.transcode import Source
from pipeline.execution.files.object_transfer import SourceReader
from pipeline.execution.files.publisher import Publisher
from pipeline.execution.step_clock import Report


class PresignedFiles:
    """Implements `Files` over HTTP."""

    def __init__(self, session: requests.Session, publisher: Publisher) -> None:
        self._session = session
        self._publisher = publisher

    def check_source(self, source: Source) -> None:
        SourceReader(self._session, source).check()

    def fetch_source(self, source: Source, target: Path, report: Report) -> None:
        SourceReader(self._session, source).download(target, lambda have: report(have / source.size_bytes))

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        self._publisher.publish(root, files, report)
