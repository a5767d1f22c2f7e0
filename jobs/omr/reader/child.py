"""The sandboxed half of the reader: everything that touches the bytes of an upload happens here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2

from jobs.omr.form_loading import load_form
from jobs.omr.page import Page, RefusedPage
from jobs.omr.pages.opening import count_pages, open_pages
from jobs.omr.reader.engines import open_engines
from jobs.omr.reader.orders import Begun, Counted, Counting, Ended, Finished, News, ReadOrders, Ready, Started
from jobs.omr.reader.overlays import overlay_name
from jobs.omr.reader.pending import PendingPages
from jobs.omr.reader.places import Place, Span, places_of, spans_of
from pipeline.contracts.omr import SheetReading
from pipeline.reasons import Reason

Say = Callable[[dict[str, object]], None]


def read_pages(request: bytes, report: Say) -> dict[str, object]:
    """Tells `News`; the order of pages is that of their places."""
    orders = ReadOrders.model_validate_json(request)

    def say(news: News) -> None:
        report(news.model_dump(mode="json"))

    def tell(place: Place, reading: SheetReading) -> None:
        say(Ended(file=place.file, page=place.page, reading=reading))

    def draw(place: Place, make: Callable[[], bytes]) -> None:
        if orders.overlays is not None:
            (Path(orders.overlays) / overlay_name(place)).write_bytes(make())

    say(Started())
    # One process is one core: the executor gives a job as many as it has paid for, and results do not depend on it.
    cv2.setNumThreads(1)
    form = load_form(orders.template, {name: Path(path) for name, path in orders.pictures.items()}, orders.limits)
    engines = open_engines(orders.engine)
    say(Ready(engine=engines.first.name, provider=engines.provider))
    pending = PendingPages(form, engines, draw=draw, tell=tell)
    counts = list(_counted(orders, say))
    places = places_of(counts, first_page=orders.first_page, last_page=orders.last_page)
    for span in spans_of([place for place in places if place not in orders.ended]):
        for place, page in _announced(span, orders, say):
            pending.take(place, page)
    pending.flush()
    return Finished().model_dump(mode="json")


def _counted(orders: ReadOrders, say: Callable[[News], None]) -> Iterator[int]:
    for file, path in enumerate(orders.files):
        known = orders.counts[file] if file < len(orders.counts) else None
        if known is not None:
            yield known
            continue
        say(Counting(file=file))
        pages = 1 if path is None else count_pages(Path(path), orders.limits)
        say(Counted(file=file, pages=pages))
        yield pages


def _announced(
    span: Span, orders: ReadOrders, say: Callable[[News], None]
) -> Iterator[tuple[Place, Page | RefusedPage]]:
    """Each page is announced before it is decoded: should that be the end of this process, the parent knows why."""
    path = orders.files[span.file]
    assert path is not None
    pages = open_pages(Path(path), orders.limits, first=span.first, last=span.last)
    for number in range(span.first, span.last + 1):
        say(Begun(file=span.file, page=number))
        page = next(pages, None) or RefusedPage(number, Reason.CORRUPT, f"the file ends before page {number}")
        yield Place(span.file, number), page
