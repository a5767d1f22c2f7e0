"""A store that the settings name, and what is said where no key for it is found."""

from pathlib import Path

import pytest

from pipeline.errors import Unavailable
from pipeline.settings import Settings
from pipeline.storage.opening import open_store

SETTINGS = Settings(s3_endpoint_url="http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


def test_where_no_key_is_found_that_is_said_before_anything_is_asked():
    with pytest.raises(Unavailable, match=r"storage_key_not_set: .*set S3_ACCESS_KEY_ID"), open_store(SETTINGS):
        pass


def test_a_key_of_the_environment_serves(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with open_store(SETTINGS) as store:
        assert "X-Amz-Credential=key" in store.sign_get("a", expires_s=60).url
