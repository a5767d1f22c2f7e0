"""The sandboxed half of `pipeline.media.probe` for a presigned URL: as much as tells what a source is."""

from collections.abc import Callable

from pipeline.errors import JobError
from pipeline.media.opening import UNREADABLE
from pipeline.media.probe import ProbeUrl
from pipeline.media.probing import probe_source
from pipeline.media.ranged_reader import RangedReader

# Enough for a rate, little enough for a probe over the network.
PACKETS = 90


def probe_url(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = ProbeUrl.model_validate_json(request)
    with RangedReader(asked.url, asked.size_bytes, asked.limits.max_read_bytes) as reader:
        try:
            facts = probe_source(reader, asked.size_bytes, asked.limits, at_most=PACKETS)
        except (JobError, *UNREADABLE) as error:
            # Where bytes did not come, that is the reason, whatever FFmpeg made of it.
            raise reader.failure or error from None
        if reader.failure is not None:
            raise reader.failure
        complete = facts.complete and not reader.exhausted
    return facts.model_copy(update={"complete": complete}).model_dump(mode="json")
