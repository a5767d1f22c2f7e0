"""Lua scripts, each a file whose header names its KEYS, ARGV and result."""

from importlib.resources import files


def load_script(name: str) -> str:
    """The text of `<name>.lua`."""
    return files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
