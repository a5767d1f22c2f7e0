"""The mapper is pure: the same result twice decides to do nothing."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.omr.mapping import changes_of
from control_plane.omr.shards import share_out
from pipeline.contracts.omr import SheetReading
from pipeline.database.omr_files import OmrFile
from pipeline.database.submissions import Standing, Submission
from tests.control_plane.omr.sheets import reading, refused

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
FILES = {"a.jpg": 1, "b.jpg": 2}


def readings(*sheets: dict[str, Any]) -> list[SheetReading]:
    return [SheetReading.model_validate(sheet) for sheet in sheets]


def row(place: tuple[int, int], standing: Standing, **fields: Any) -> Submission:
    values = {**vars(standing), "to_review": standing.meta["manual_review"]["required"], **fields}
    return Submission(
        id=uuid4(),
        number=1,
        tenant_id="hagwon-1",
        batch_id=uuid4(),
        exam_id="midterm",
        file_number=place[0],
        page=place[1],
        version=1,
        created_at=NOW,
        updated_at=NOW,
        file_name="a.jpg",
        **values,
    )


def applied(*sheets: dict[str, Any], **fields: Any) -> list[Submission]:
    new = changes_of(readings(*sheets), [], file_numbers=FILES, at=NOW).new
    return [row(place, standing, **fields) for place, standing in new]


def test_the_same_result_again_changes_nothing():
    sheets = (reading("b.jpg", 2), refused("b.jpg"), reading("a.jpg", marks="-5-"))
    before = applied(*sheets)
    assert [(s.file_number, s.page) for s in before] == [(1, 1), (2, 1), (2, 2)]
    changes = changes_of(readings(*sheets), before, file_numbers=FILES, at=LATER)
    assert (changes.new, changes.replaced, changes.gone) == ((), (), ())


def test_a_changed_reading_replaces_only_its_own_row():
    before = applied(reading("a.jpg"), reading("b.jpg"))
    again = readings(reading("a.jpg"), reading("b.jpg", marks="555"))
    changes = changes_of(again, before, file_numbers=FILES, at=LATER)
    ((changed, standing),) = changes.replaced
    assert changed == before[1].id
    assert standing.answers == {"q1": ["5"], "q2": ["5"], "q3": ["5"]}
    assert standing.meta["manual_review"]["updated_at"] == LATER.isoformat()


@pytest.mark.parametrize(("again", "status"), [(reading("a.jpg"), "ANSWERS_READY"), (refused("a.jpg"), "FAILED")])
def test_a_refused_page_that_a_person_confirmed_is_read_anew(again: dict[str, Any], status: str):
    seen = {"reviewed_by": "kim", "reviewed_at": NOW}
    before = applied(refused("a.jpg", reason="CORRUPT"), refused("b.jpg"), **seen)
    changes = changes_of(readings(again, refused("b.jpg")), before, file_numbers=FILES, at=LATER)
    ((_, standing),) = changes.replaced
    assert (standing.status, standing.reviewed_by) == (status, None)


def test_a_page_that_is_gone_stays_where_a_person_has_said_something_of_it():
    kept = applied(reading("a.jpg", 7), reading("b.jpg"), reviewed_by="kim", reviewed_at=NOW)
    lost = applied(reading("a.jpg", 8))[:1]
    changes = changes_of(readings(reading("a.jpg"), reading("b.jpg")), kept + lost, file_numbers=FILES, at=LATER)
    assert changes.gone == (lost[0].id,)


TYPES = st.sampled_from(["image/jpeg", "application/pdf", "application/zip"])


@given(st.lists(st.tuples(TYPES, st.integers(1, 10**9)), min_size=1, max_size=1000), st.integers(1, 2000))
def test_every_file_is_in_one_share_in_order_and_no_share_is_too_large(files: list[tuple[str, int]], limit: int):
    rows = [OmrFile(number, f"{number}", kind, size, "key") for number, (kind, size) in enumerate(files, start=1)]
    shares = share_out(rows, pages_per_job=limit, bytes_per_page=250_000)
    assert [number for share in shares for number in share.file_numbers] == [file.number for file in rows]
    assert [share.shard for share in shares] == list(range(len(shares)))
    for share in shares:
        assert len(share.file_numbers) <= 500
        assert share.expected_pages <= limit or len(share.file_numbers) == 1
