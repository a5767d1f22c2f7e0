"""Pages that wait for each other, so that their bubbles are judged in few large inferences."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from jobs.omr.answers import read_fields, reading_of
from jobs.omr.form import Form
from jobs.omr.marks.engine import MarkStates
from jobs.omr.marks.measuring import patches_of
from jobs.omr.marks.patches import PatchBatch, joined
from jobs.omr.overlay import draw_overlay, draw_refused
from jobs.omr.page import Page, PageRefused, RefusedPage
from jobs.omr.reader.engines import Engines
from jobs.omr.reader.places import Place
from jobs.omr.reader.refusing import refused_reading
from jobs.omr.registration.register import register
from jobs.omr.registration.registered import Registered
from pipeline.contracts.omr import SheetReading

# A phone's picture of 12 megapixels has 48 MB in gray and colour, an office scan a tenth of that.
HELD_BYTES: Final = 24 * 1024 * 1024
HELD_PAGES: Final = 32

Draw = Callable[[Place, Callable[[], bytes]], None]
"""Takes a place and what draws its overlay as PNG; whether it is called is the taker's choice."""

Tell = Callable[[Place, SheetReading], None]


@dataclass(frozen=True)
class _Registered:
    place: Place
    page: Registered
    patches: PatchBatch

    @property
    def held_bytes(self) -> int:
        colour = 0 if self.page.colour is None else self.page.colour.nbytes
        return self.page.gray.nbytes + colour + self.patches.pixels.nbytes + self.patches.own_print.nbytes


class PendingPages:
    """Takes pages in order and tells their readings in the same order, about `HELD_BYTES` later."""

    def __init__(self, form: Form, engines: Engines, *, draw: Draw, tell: Tell) -> None:
        self._form = form
        self._engines = engines
        self._draw = draw
        self._tell = tell
        self._waiting: list[_Registered | tuple[Place, SheetReading]] = []
        self._held_bytes = 0

    def take(self, place: Place, page: Page | RefusedPage) -> None:
        match page:
            case RefusedPage():
                self._waiting.append((place, refused_reading(place, PageRefused(page.reason, page.detail))))
            case Page():
                self._register(place, page)
        if self._held_bytes >= HELD_BYTES or len(self._waiting) >= HELD_PAGES:
            self.flush()

    def _register(self, place: Place, page: Page) -> None:
        try:
            registered = register(page, self._form)
            waiting = _Registered(place, registered, patches_of(registered, self._form))
        except PageRefused as refused:
            reason = refused.reason
            self._draw(place, lambda: draw_refused(page.gray, reason))
            self._waiting.append((place, refused_reading(place, refused)))
        else:
            self._waiting.append(waiting)
            self._held_bytes += waiting.held_bytes

    def flush(self) -> None:
        """Judge what waits and tell of it."""
        waiting, self._waiting, self._held_bytes = self._waiting, [], 0
        judged = self._judged([each for each in waiting if isinstance(each, _Registered)])
        for each in waiting:
            match each:
                case _Registered():
                    self._tell(each.place, self._read(each, *next(judged)))
                case (place, reading):
                    self._tell(place, reading)

    def _judged(self, pages: list[_Registered]) -> Iterator[tuple[MarkStates, MarkStates | None]]:
        if not pages:
            return iter(())
        counts = [len(each.patches) for each in pages]
        states, check = self._engines.judge(joined([each.patches for each in pages]))
        checks = [None] * len(pages) if check is None else check.split(counts)
        return zip(states.split(counts), checks, strict=True)

    def _read(self, each: _Registered, states: MarkStates, check: MarkStates | None) -> SheetReading:
        fields = read_fields(each.page, self._form, states, check=check)
        self._draw(each.place, lambda: draw_overlay(each.page, self._form, fields))
        return reading_of(fields, each.page, self._form, file="", page=each.place.page)
