"""The progress answer is made from whatever the two keys hold, and never raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.transcode import STEPS
from pipeline.progress.answer import compose_answer, is_usable_status

STATUS = {"id": "v", "status": "PROCESSING", "version": 3, "job_id": "j", "attempt": 2}
PROGRESS = {
    "job_id": "j",
    "attempt": 2,
    "percent": 37.9,
    "remaining_seconds": 12.4,
    "step_index": 4,
    "step_total": 7,
    "step_name": "transcoding",
    "step_percent": 40.2,
}
FIELDS = {
    "id",
    "status",
    "progress",
    "encoding_progress",
    "encoding_remaining_seconds",
    "encoding_step_index",
    "encoding_step_total",
    "encoding_step_name",
    "encoding_step_name_display",
    "encoding_step_percent",
}
ENDED_FIELDS = {"hls_path", "duration", "error_reason"}


def answer(status: object, progress: object) -> dict[str, Any]:
    def text(value: object) -> str | None:
        return value if value is None or isinstance(value, str) else json.dumps(value)

    return compose_answer("v", text(status), text(progress), steps=STEPS)


def test_with_nothing_known_it_is_pending_at_zero():
    got = answer(None, None)
    assert got.keys() == FIELDS
    assert (got["id"], got["status"], got["progress"], got["encoding_progress"]) == ("v", "PENDING", 0, 0)
    assert got["encoding_step_total"] == 7


def test_a_job_at_work_shows_its_step_percent_and_remaining_time():
    got = answer(STATUS, PROGRESS)
    assert (got["encoding_progress"], got["encoding_remaining_seconds"], got["encoding_step_index"]) == (37, 12, 4)
    assert (got["encoding_step_name"], got["encoding_step_percent"]) == ("transcoding", 40)
    assert got["encoding_step_name_display"] == {"ko": "변환", "en": "Transcoding"}


@pytest.mark.parametrize("other", [{"job_id": "another"}, {"attempt": 1}, {"attempt": None}, {"job_id": None}])
def test_progress_of_another_job_or_an_older_attempt_is_not_shown(other: dict[str, object]):
    got = answer(STATUS, {**PROGRESS, **other})
    assert (got["encoding_progress"], got["encoding_step_name"]) == (0, None)


def test_progress_of_an_attempt_that_the_status_has_not_heard_of_is_shown():
    assert answer(STATUS, {**PROGRESS, "attempt": 3})["encoding_progress"] == 37


def test_a_ready_video_is_whole_and_says_where_it_plays():
    ready = {**STATUS, "status": "READY", "hls_path": "tenants/t/…/master.m3u8", "duration": 61.5}
    got = answer(ready, PROGRESS)
    assert got.keys() == FIELDS | ENDED_FIELDS
    assert (got["progress"], got["hls_path"], got["duration"]) == (100, "tenants/t/…/master.m3u8", 61.5)
    assert (got["error_reason"], got["encoding_step_name"]) == (None, None)


def test_a_failed_video_says_why_and_how_far_it_came():
    got = answer({**STATUS, "status": "FAILED", "error_reason": "TRUNCATED"}, PROGRESS)
    assert (got["error_reason"], got["encoding_progress"], got["hls_path"]) == ("TRUNCATED", 37, None)
    assert got["encoding_remaining_seconds"] is None


@pytest.mark.parametrize(
    ("field", "value", "shown", "as_"),
    [
        ("percent", 250, "encoding_progress", 100),
        ("percent", -3, "encoding_progress", 0),
        ("percent", "90", "encoding_progress", 0),
        ("percent", True, "encoding_progress", 0),
        ("percent", None, "encoding_progress", 0),
        ("remaining_seconds", -1, "encoding_remaining_seconds", None),
        ("remaining_seconds", "soon", "encoding_remaining_seconds", None),
        ("step_index", 99, "encoding_step_name", None),
        ("step_index", True, "encoding_step_name", None),
        ("step_percent", [], "encoding_step_percent", None),
    ],
)
def test_a_field_of_the_wrong_kind_says_nothing(field: str, value: object, shown: str, as_: object):
    assert answer(STATUS, {**PROGRESS, field: value})[shown] == as_


@pytest.mark.parametrize("text", [None, "", "null", "[]", "3", "{", '{"status": null}', '{"status": 3}', "[" * 100_000])
def test_a_status_that_says_nothing_is_not_usable(text: str | None):
    assert not is_usable_status(text)
    assert answer(text, PROGRESS)["status"] == "PENDING"


def test_numbers_that_are_none_do_not_matter():
    text = json.dumps(PROGRESS).replace("12.4", "1e999").replace("40.2", "1" + "0" * 400)
    got = answer(STATUS, text)
    assert (got["encoding_remaining_seconds"], got["encoding_step_percent"]) == (None, None)
    assert answer(STATUS, text.replace("37.9", "NaN"))["encoding_progress"] == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)


def mostly(value: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={key: st.just(item) | json_values for key, item in value.items()})


@given(
    status=st.binary(max_size=50) | json_values.map(json.dumps) | mostly(STATUS).map(json.dumps),
    progress=st.none() | st.binary(max_size=50) | mostly(PROGRESS).map(json.dumps),
)
def test_no_value_makes_it_raise(status: str | bytes, progress: str | bytes | None):
    got = compose_answer("v", status, progress, steps=STEPS)
    assert FIELDS <= got.keys() <= FIELDS | ENDED_FIELDS
    assert isinstance(got["encoding_progress"], int)
    assert 0 <= got["encoding_progress"] <= 100
    json.dumps(got, allow_nan=False)
