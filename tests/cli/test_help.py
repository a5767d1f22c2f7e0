import subprocess
import sys
from typing import Any

import pytest

from cli.main import Commands
from tests.cli.conftest import Run

HEAVY = ("requests", "pydantic", "psycopg", "fastapi", "av", "boto3", "jwt")


def below(path: str, command: Any) -> list[tuple[str, Any]]:
    """The commands that a command stands for: itself, or those of a group of groups."""
    children = getattr(command, "commands", None)
    if not children:
        return [(path, command)]
    return [pair for name, child in children.items() for pair in below(f"{path} {name}", child)]


def commands() -> list[Any]:
    pairs = [pair for name, place in Commands.places.items() for pair in below(name, place.load(name))]
    return [pytest.param(path, command, id=path) for path, command in pairs]


@pytest.mark.parametrize(("path", "command"), commands())
def test_every_command_says_what_it_does_and_gives_an_example_of_itself(path: str, command: Any):
    assert command.help
    assert command.epilog is not None
    assert f"academy {path}" in command.epilog


@pytest.mark.parametrize("name", Commands.places)
def test_the_list_of_commands_says_what_a_commands_own_help_begins_with(name: str):
    place = Commands.places[name]
    said = " ".join(place.load(name).help.split())
    assert said.startswith(place.help.removesuffix("."))


def test_the_exit_codes_stand_in_the_help(run: Run):
    ended = run("--help")
    assert ended.code == 0
    for line in ("3  no such video or job", "4  refused", "5  the API does not answer", "65, 75"):
        assert line in ended.out


def test_help_waits_for_no_heavy_module():
    script = f"import sys, cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [("nonsense",), ("videos", "list", "--colour", "red"), ("videos", "show")])
def test_what_cannot_be_understood_is_a_usage_error(run: Run, arguments: tuple[str, ...]):
    assert run(*arguments).code == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("videos", "upload", "x" * 300), "file_unusable"),
        (("transcode", "x" * 300, "out"), "file_unusable"),
        (("transcode", "no.mp4", "out"), "file_not_found"),
        (("demo", "no.mp4"), "file_not_found"),
        (("videos", "upload", "."), "file_not_found"),
        (("omr", "read", "x" * 300, "--template", "no.json"), "file_unusable"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence(run: Run, arguments: tuple[str, ...], reason: str):
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.err.startswith("Error: ")
    assert reason in ended.err


def test_a_paragraph_of_the_help_is_broken_where_the_terminal_ends(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert "told to stop, 5 where a part does not start or ends by itself. The API alone" in run("up", "--help").out
