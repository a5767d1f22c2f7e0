"""What the settings name wrongly is said in a sentence, before anything else is started, and without its secrets."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.embedded.stack import open_stack
from pipeline.errors import AcademyError, Invalid, Unavailable
from pipeline.settings import Settings


@pytest.mark.parametrize(
    ("database_url", "error", "said"),
    [
        (
            "postgresql://academy:swordfish@127.0.0.1:1/x",
            Unavailable,
            "database_unavailable: postgresql://127.0.0.1:1/x: ",
        ),
        ("mysql://academy:swordfish@127.0.0.1/x", Invalid, "settings_invalid: DATABASE_URL is not like "),
    ],
)
def test_a_database_that_cannot_be_used_is_said_without_its_password(
    tmp_path: Path, database_url: str, error: type[AcademyError], said: str
):
    settings = Settings(
        academy_data=tmp_path,
        database_url=SecretStr(database_url),
        redis_url=SecretStr("redis://127.0.0.1:1"),
        s3_endpoint_url="http://127.0.0.1:1",
        s3_access_key_id="key",
        s3_secret_access_key=SecretStr("secret"),
    )
    with pytest.raises(error) as raised, open_stack(settings):
        pass
    assert str(raised.value).startswith(said)
    assert "swordfish" not in str(raised.value)


def test_an_address_that_is_not_this_machines_is_not_told_as_a_port_in_use(tmp_path: Path):
    settings = Settings(academy_data=tmp_path, host="192.0.2.1")
    said = r"address_unusable: nothing can listen on 192\.0\.2\.1:8100"
    with pytest.raises(Unavailable, match=said), open_stack(settings):
        pass
