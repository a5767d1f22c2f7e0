"""A batch's progress answer is made from whatever the keys hold, and never raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.omr import STEPS
from pipeline.progress.batch_answer import compose_batch_answer, job_ids_of

STATUS = {
    "id": "b",
    "status": "PROCESSING",
    "pages_ended": 10,
    "jobs": [{"job_id": "one", "pages": 30}, {"job_id": "two", "pages": 60}],
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["jobs", "job_id", "pages"]), inner),
    max_leaves=8,
)


def progress(job_id: str, percent: float, **fields: object) -> dict[str, Any]:
    value = {"job_id": job_id, "attempt": 1, "percent": percent, "remaining_seconds": 20, "step_percent": 5}
    return {**value, "step_index": 3, **fields}


def answer(status: object, **progresses: object) -> dict[str, Any]:
    texts = {job_id: json.dumps(value) for job_id, value in progresses.items()}
    return compose_batch_answer("b", json.dumps(status), texts, steps=STEPS)


def test_jobs_add_up_by_their_pages_and_ended_ones_are_whole():
    got = answer(STATUS, one=progress("one", 50), two=progress("two", 25, step_index=2, remaining_seconds=70))
    # 10 whole, half of 30, a quarter of 60, of a hundred.
    assert (got["progress"], got["encoding_remaining_seconds"]) == (40, 70)
    assert (got["encoding_step_name"], got["encoding_step_percent"]) == ("downloading", 5), (
        "of the one that is least far"
    )


def test_while_a_job_has_not_begun_nobody_knows_how_long_it_takes():
    got = answer(STATUS, one=progress("one", 100))
    assert (got["progress"], got["encoding_remaining_seconds"], got["encoding_step_name"]) == (40, None, "reading")


@pytest.mark.parametrize("strange", [{"job_id": "another"}, {"percent": None}, {"attempt": "1"}])
def test_progress_that_is_not_of_the_job_counts_as_none(strange: dict[str, object]):
    assert answer(STATUS, one=progress("one", 50) | strange)["progress"] == 10


@pytest.mark.parametrize(("status", "percent"), [("READY", 100), ("FAILED", 0)])
def test_what_has_ended_is_at_no_step(status: str, percent: int):
    got = answer({"status": status, "jobs": [], "pages_ended": 9, "error_reason": "DISK_FULL"})
    assert (got["status"], got["progress"], got["encoding_step_name"]) == (status, percent, None)
    assert got["error_reason"] == "DISK_FULL"


@given(VALUES, VALUES, VALUES)
def test_no_value_at_all_raises(status: object, jobs: object, told: object):
    text = json.dumps({"status": "PROCESSING", "jobs": jobs, "pages_ended": told} if isinstance(jobs, list) else status)
    texts = {job_id: json.dumps(told) for job_id in job_ids_of(text)}
    got = compose_batch_answer("b", text, texts, steps=STEPS)
    assert 0 <= got["progress"] <= 100
