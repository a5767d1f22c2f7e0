import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from cli import output
from cli.main import main
from tests.cli.scripted_api import ScriptedApi, open_scripted_api

Run = Callable[..., "Ended"]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `academy` with these arguments, as its entry point does, on a terminal of 200 columns."""
    monkeypatch.setattr(output.RESULTS, "width", 200)
    monkeypatch.setattr(output.REMARKS, "width", 200)
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str) -> Ended:
        code = 0
        with contextlib.suppress(BrokenPipeError):
            try:
                main(arguments)
            except SystemExit as exit_:
                code = exit_.code if isinstance(exit_.code, int) else 1
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedApi]:
    """An API that answers what the test tells it to; `academy` finds it by its settings."""
    with open_scripted_api() as api:
        monkeypatch.setenv("API_URL", api.url)
        monkeypatch.setenv("API_TOKEN", "the-token")
        yield api
