"""Reads a batch of files, of which nothing is decoded in the caller's process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.omr.reader.ledger import Ledger
from jobs.omr.reader.orders import Finished, ReadOrders, Ready
from jobs.omr.reader.overlays import find_overlay
from jobs.omr.reader.places import Place
from pipeline.answer_sheets.template import Template
from pipeline.contracts.omr import Engine, OmrLimits, SheetReading
from pipeline.errors import PermanentError
from pipeline.media import gpu
from pipeline.media.sandbox.conversation import SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed
from pipeline.reasons import Reason

# Where the child begins.
READER = "jobs.omr.reader.child:read_pages"
# A page's picture has less than a tenth of it.
OVERLAY_MIB = 32


@dataclass(frozen=True)
class BatchFile:
    """`name` is what the user calls it; `content` is where it lies, or why it could not be had."""

    name: str
    content: Path | PermanentError


@dataclass(frozen=True)
class Batch:
    """`pictures` are the template's, by the names that it uses. `overlays` is a folder that exists, None for none.

    `first_page` and `last_page` are as in `OmrSpec`.
    """

    template: Template
    files: Sequence[BatchFile]
    pictures: Mapping[str, Path]
    engine: Engine = Engine.AUTO
    overlays: Path | None = None
    first_page: int = 1
    last_page: int | None = None
    limits: OmrLimits = field(default_factory=OmrLimits)


def read_batch(
    batch: Batch, take: Callable[[SheetReading], None], report: Callable[[float], None] = lambda _share: None
) -> Ready | None:
    """Hand every page's reading to `take`, in the order of files and pages; returns what read them.

    A page that crashes the decoder or takes too much memory or time is refused, and a new child goes on behind it. A
    reading's `overlay` is a name in the folder. Raises `PermanentError` where the template itself, and
    `TransientError` where the machine is the cause; None is returned where there was nothing to read.
    """

    def take_named(place: Place, reading: SheetReading) -> None:
        overlay = None if batch.overlays is None else find_overlay(batch.overlays, place)
        known = {"file": batch.files[place.file].name, "page": place.page, "overlay": overlay}
        take(reading.model_copy(update=known))

    def listen(news: Mapping[str, object]) -> None:
        ledger.hear(news)
        report(ledger.done)

    refused = {
        number: file.content for number, file in enumerate(batch.files) if isinstance(file.content, PermanentError)
    }
    ledger = Ledger(_orders(batch), refused, take_named)
    while not ledger.finished:
        try:
            run_sandboxed(
                READER,
                ledger.orders(),
                reply=Finished,
                limits=_sandbox(batch),
                listen=listen,
                # Decoders look at a picture's head before; should one of them not, OpenCV itself refuses.
                variables={"OPENCV_IO_MAX_IMAGE_PIXELS": str(batch.limits.max_pixels)},
            )
            error = PermanentError(Reason.CORRUPT, "the decoding process ended before this page")
        except PermanentError as ended:
            error = ended
        if not ledger.finished:
            ledger.blame(error)
    return ledger.last_ready


def _orders(batch: Batch) -> ReadOrders:
    return ReadOrders(
        template=batch.template,
        pictures={name: str(path) for name, path in batch.pictures.items()},
        files=tuple(str(file.content) if isinstance(file.content, Path) else None for file in batch.files),
        first_page=batch.first_page,
        last_page=batch.last_page,
        engine=batch.engine,
        overlays=None if batch.overlays is None else str(batch.overlays),
        limits=batch.limits,
    )


def _sandbox(batch: Batch) -> SandboxLimits:
    on_gpu = batch.engine is not Engine.CLASSICAL and gpu.has_device()
    return SandboxLimits(
        memory_mib=batch.limits.decoder_memory_mib,
        address_mib=gpu.ADDRESS_SPACE_MIB if on_gpu else None,
        cpu_s=batch.limits.decoder_cpu_s,
        deadline_s=batch.limits.decoder_cpu_s,
        silence_s=batch.limits.page_timeout_s,
        file_mib=OVERLAY_MIB,
    )
