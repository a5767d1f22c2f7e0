"""The installation's settings, as a command reads them: a wrong value is a sentence, not a traceback."""

from pydantic import ValidationError

from pipeline.errors import Invalid
from pipeline.settings import Settings


def read_settings() -> Settings:
    """The settings of the environment; raises `Invalid` with each variable that cannot be used, without its value."""
    try:
        return Settings()
    except ValidationError as exc:
        wrong = (
            f"{'.'.join(map(str, error['loc'])).upper() or 'settings'}: {error['msg'].removeprefix('Value error, ')}"
            for error in exc.errors()
        )
        raise Invalid("settings_invalid", "; ".join(wrong)) from None
