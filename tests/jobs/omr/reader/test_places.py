"""Which pages a job reads, counted over all files of a batch."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.omr.reader.places import Place, places_of, spans_of


def test_pages_are_counted_over_all_files():
    assert places_of([2, 1, 3], first_page=2, last_page=5) == [Place(0, 2), Place(1, 1), Place(2, 1), Place(2, 2)]
    assert places_of([2], first_page=3, last_page=None) == []


@given(st.lists(st.integers(1, 6), max_size=5), st.data())
def test_spans_hold_each_page_that_is_left_once_and_in_order(counts: list[int], data: st.DataObject):
    places = places_of(counts, first_page=1, last_page=None)
    left = [place for place in places if data.draw(st.booleans())]
    spans = list(spans_of(left))
    assert [Place(span.file, page) for span in spans for page in range(span.first, span.last + 1)] == left
    assert all((before.file, before.last + 1) != (after.file, after.first) for before, after in pairwise(spans))
