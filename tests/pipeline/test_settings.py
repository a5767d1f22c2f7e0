"""Which videos are made in parts, and which settings are refused."""

import pytest
from pydantic import ValidationError

from pipeline.settings import Settings


@pytest.mark.parametrize(("seconds", "parts"), [(60, None), (1800, None), (1801, 10), (10_800, 60), (43_200, 240)])
def test_a_video_above_half_an_hour_has_parts_of_three_minutes(seconds: float, parts: int | None):
    assert Settings().parts_of(seconds) == parts


def test_what_would_be_one_part_is_none_and_an_array_has_no_more_children_than_batch_allows():
    assert Settings(split_above_s=0, split_part_s=180).parts_of(200) is None
    assert Settings(split_above_s=0, split_part_s=1).parts_of(43_200) == 10_000


def test_splitting_can_be_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPLIT_ABOVE_S", "inf")
    assert Settings().parts_of(43_200) is None


@pytest.mark.parametrize("name", ["REDIS_URL", "JOB_REDIS_URL", "S3_ENDPOINT_URL"])
def test_an_address_of_another_kind_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "swordfish@host:6379")
    with pytest.raises(ValidationError, match=f"(?s){name.lower()}.*begins with none of ") as raised:
        Settings()
    assert "swordfish" not in str(raised.value)


@pytest.mark.parametrize("name", ["JWT_SECRET", "JOB_TOKEN_SECRET"])
def test_a_secret_that_could_be_guessed_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "swordfish" * 3)
    with pytest.raises(ValidationError, match=f"(?s){name.lower()}.*is shorter than 32 bytes") as raised:
        Settings()
    assert "swordfish" not in str(raised.value)


@pytest.mark.parametrize("half", ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"])
def test_half_a_key_is_refused(monkeypatch: pytest.MonkeyPatch, half: str):
    monkeypatch.setenv(half, "swordfish")
    with pytest.raises(ValidationError, match="both S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or neither"):
        Settings()
