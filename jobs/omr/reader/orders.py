"""What the reading child is told and what it tells."""

from typing import Literal

from pydantic import Field

from jobs.omr.reader.places import Place
from pipeline.answer_sheets.template import Template
from pipeline.contracts.envelope import Contract
from pipeline.contracts.omr import Engine, OmrLimits, SheetReading


class ReadOrders(Contract):
    """Paths are of this machine. `overlays` is a folder that exists, or None where no pictures are wanted.

    What is known from an earlier child: `counts`, the pages of each file as far as they have been counted, and
    `ended`, the places that need not be looked at again.
    """

    template: Template
    pictures: dict[str, str]
    files: tuple[str | None, ...]
    first_page: int = 1
    last_page: int | None = None
    engine: Engine = Engine.AUTO
    overlays: str | None = None
    limits: OmrLimits = OmrLimits()
    counts: tuple[int | None, ...] = ()
    ended: frozenset[Place] = frozenset()


class Started(Contract):
    """The child's code is loaded: from here on it is given as long for each step as for a page."""

    news: Literal["started"] = "started"


class Ready(Contract):
    """Template and engine are loaded. Whatever happens before this is not the fault of any page."""

    news: Literal["ready"] = "ready"
    engine: str
    provider: str | None


class Counting(Contract):
    news: Literal["counting"] = "counting"
    file: int


class Counted(Contract):
    news: Literal["counted"] = "counted"
    file: int
    pages: int = Field(ge=1)


class Begun(Contract):
    """A page is being decoded, registered and measured."""

    news: Literal["begun"] = "begun"
    file: int
    page: int


class Ended(Contract):
    """A page's reading. Its `file` is empty: the child does not know what the user calls the file."""

    news: Literal["ended"] = "ended"
    file: int
    page: int
    reading: SheetReading


News = Started | Ready | Counting | Counted | Begun | Ended


class Finished(Contract):
    """The reply: all pages have been told of."""
