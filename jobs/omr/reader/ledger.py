"""What is known of a batch's pages while children come and go: which have ended, and which one is worked on."""

from collections.abc import Callable, Mapping
from typing import Annotated, NoReturn

from pydantic import Field, TypeAdapter, ValidationError

from jobs.omr.reader.orders import Begun, Counted, Counting, Ended, News, ReadOrders, Ready, Started
from jobs.omr.reader.places import Place, places_of
from jobs.omr.reader.refusing import refused_reading
from pipeline.contracts.omr import SheetReading
from pipeline.errors import PermanentError
from pipeline.logs import get_logger
from pipeline.reasons import Reason

log = get_logger(__name__)

Take = Callable[[Place, SheetReading], None]

_NEWS: TypeAdapter[News] = TypeAdapter(Annotated[News, Field(discriminator="news")])


class Ledger:
    """Hears a child's news and hands each page's reading to `take`, once and in order.

    An end of a child that was not its own is blamed on one page. So a batch of n pages starts n + 1 children at most,
    whatever is in it.
    """

    def __init__(self, orders: ReadOrders, refused: Mapping[int, PermanentError], take: Take) -> None:
        self._orders = orders
        self._take = take
        self._counts: list[int | None] = [1 if file in refused else None for file in range(len(orders.files))]
        self._refused = {Place(file, 1): error for file, error in refused.items()}
        self._places: list[Place] | None = None
        self._next = 0
        self._ready = False
        self._counting: int | None = None
        self._begun: Place | None = None
        self.last_ready: Ready | None = None
        self._advance()

    @property
    def finished(self) -> bool:
        return self._places is not None and self._next == len(self._places)

    @property
    def done(self) -> float:
        """The share of the pages that have ended."""
        return self._next / len(self._places) if self._places else 0.0

    def orders(self) -> ReadOrders:
        """For a new child, which has told nothing yet."""
        self._ready, self._counting, self._begun = False, None, None
        ended = frozenset([*(self._places or [])[: self._next], *self._refused])
        return self._orders.model_copy(update={"counts": tuple(self._counts), "ended": ended})

    def hear(self, told: Mapping[str, object]) -> None:
        """Raises `PermanentError` for what an honest child does not tell."""
        try:
            news = _NEWS.validate_python(told)
        except ValidationError as exc:
            raise PermanentError(Reason.CORRUPT, "the decoding process wrote nonsense") from exc
        match news:
            case Started():
                pass
            case Ready():
                self._ready, self.last_ready = True, news
            case Counting(file=file):
                self._counting = file
            case Counted(file=file, pages=pages):
                self._count(file, pages)
            case Begun(file=file, page=page):
                self._begun = Place(file, page)
            case Ended(file=file, page=page, reading=reading):
                self._end(Place(file, page), reading)

    def blame(self, error: PermanentError) -> None:
        """A child has ended before all pages had; raises the error again where no page is the cause."""
        if not self._ready or error.reason == Reason.DISK_FULL:
            raise error
        place = self._culprit(error)
        log.warning("page_refused", file=place.file, page=place.page, reason=error.reason, exc_info=_if_a_bug(error))
        self._refused[place] = error
        self._advance()

    def _culprit(self, error: PermanentError) -> Place:
        if self._counting is not None:
            self._counts[self._counting] = 1
            return Place(self._counting, 1)
        if self._places is None or self.finished:
            raise error
        left = self._places[self._next :]
        # A page that was announced may have ended since: then it is the next one.
        return self._begun if self._begun is not None and self._begun in left else left[0]

    def _count(self, file: int, pages: int) -> None:
        if file != self._counting or not 0 <= file < len(self._counts) or self._counts[file] is not None:
            _refuse(f"it counted file {file}")
        self._counts[file], self._counting = pages, None
        self._advance()

    def _end(self, place: Place, reading: SheetReading) -> None:
        if self._places is None or self.finished or self._places[self._next] != place:
            _refuse(f"it told of page {place.page} of file {place.file}")
        self._take(place, reading)
        self._next += 1
        self._advance()

    def _advance(self) -> None:
        """Hand on refusals whose turn it is."""
        counts = [count for count in self._counts if count is not None]
        if self._places is None and len(counts) == len(self._counts):
            self._places = places_of(counts, first_page=self._orders.first_page, last_page=self._orders.last_page)
        while self._places is not None and not self.finished and self._places[self._next] in self._refused:
            place = self._places[self._next]
            self._take(place, refused_reading(place, self._refused[place]))
            self._next += 1


def _refuse(what: str) -> NoReturn:
    raise PermanentError(Reason.CORRUPT, f"the decoding process is out of order: {what}")


def _if_a_bug(error: PermanentError) -> PermanentError | None:
    return error if error.reason == Reason.INTERNAL_ERROR else None
