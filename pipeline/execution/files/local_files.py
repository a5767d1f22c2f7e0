"""Files of a run by hand: the source is a file of this machine, and the outputs go to a folder of it."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from pipeline.contracts.envelope import OutputFile
from pipeline.contracts.transcode import Source
from pipeline.errors import PermanentError
from pipeline.execution.step_clock import Report
from pipeline.reasons import Reason


class LocalFiles:
    """Implements `Files`: `publish` puts outputs into a folder."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs

    def check_source(self, source: Source) -> None:
        path = _path_of(source)
        if not path.is_file():
            raise PermanentError(Reason.SOURCE_GONE, f"{path} is not a file")
        size_bytes = path.stat().st_size
        if size_bytes != source.size_bytes:
            raise PermanentError(Reason.SOURCE_CHANGED, f"it has {size_bytes} bytes, expected {source.size_bytes}")

    def fetch_source(self, source: Source, target: Path, report: Report) -> None:
        """A link is enough: nobody writes to a source."""
        self.check_source(source)
        target.symlink_to(_path_of(source))
        report(1.0)

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        for number, file in enumerate(files, start=1):
            target = self._outputs / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(root / file.path, target)
            report(number / len(files))


def _path_of(source: Source) -> Path:
    parts = urlsplit(source.url)
    if parts.scheme != "file":
        raise PermanentError(Reason.SOURCE_GONE, f"a run by hand reads files, not {parts.scheme!r} URLs")
    return Path(unquote(parts.path))


def _link_or_copy(path: Path, target: Path) -> None:
    """In place of what may be there, at once: another thread may store the same file again."""
    fresh = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        try:
            os.link(path, fresh)
        except OSError:
            # Some filesystems have no hard links; a full one says so again here.
            shutil.copyfile(path, fresh)
        fresh.replace(target)
    finally:
        # A link that takes the place of another one to the same file stays.
        fresh.unlink(missing_ok=True)
