"""Which pages of a batch are read, and in which order: file after file, page after page."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple


class Place(NamedTuple):
    """A page: `file` counts from 0 within the batch, `page` from 1 within the file. Places sort as they are read."""

    file: int
    page: int


class Span(NamedTuple):
    """Pages of one file that follow each other, both ends included."""

    file: int
    first: int
    last: int


def places_of(counts: Sequence[int], *, first_page: int, last_page: int | None) -> list[Place]:
    """The places of a job that reads pages `first_page` to `last_page`, counted from 1 over all files in order."""
    every = [Place(file, page) for file, count in enumerate(counts) for page in range(1, count + 1)]
    return every[first_page - 1 : last_page]


def spans_of(places: Sequence[Place]) -> Iterator[Span]:
    """The fewest spans that hold these places and no others; their order is kept."""
    # Along a span both numbers grow by one, so their difference stays.
    numbered = ((index - place.page, place) for index, place in enumerate(places))
    for (_, file), members in groupby(numbered, key=lambda item: (item[0], item[1].file)):
        pages = [place.page for _, place in members]
        yield Span(file, pages[0], pages[-1])
