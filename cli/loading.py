"""A group of commands whose modules are imported when they are called: `academy --help` loads none of them."""

import importlib
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

# The types of contexts and commands are Any: Typer brings a click of its own, whose names are private.


@dataclass(frozen=True)
class Place:
    """Where a command is: an attribute `app` of its module, or a function of the command's name with an EPILOG.

    `help` is a sentence for the list of commands.
    """

    module: str
    help: str

    def load(self, name: str) -> Any:
        module = importlib.import_module(self.module)
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            app.command(name, epilog=module.EPILOG)(getattr(module, name))
        command = get_command(app)
        command.name = name
        _join_lines(command)
        return command


def _join_lines(command: Any) -> None:
    """Have each paragraph of the help as one line, to be broken at the terminal's width instead of the source's."""
    if command.help:
        command.help = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(command.help))
    for child in getattr(command, "commands", {}).values():
        _join_lines(child)


class LoadedWhenCalled(TyperGroup):
    """A subclass names its commands; what is listed are stand-ins with a name and a sentence."""

    places: ClassVar[Mapping[str, Place]] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.places)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        place = self.places.get(cmd_name)
        return None if place is None else TyperCommand(cmd_name, help=place.help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, stand_in, rest = super().resolve_command(ctx, args)
        place = self.places.get(name or "")
        return name, place.load(str(name)) if place is not None else stand_in, rest
