"""Reads a Dockerfile into its stages, as far as those of containers/ go."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Instruction:
    """`words` is what stands behind the name; variables are filled in where this reader knows them."""

    name: str
    words: str

    @property
    def command(self) -> list[str]:
        """The arguments, of the JSON form or the plain one."""
        return list(json.loads(self.words)) if self.words.startswith("[") else shlex.split(self.words)


@dataclass(frozen=True)
class Stage:
    name: str
    base: str
    instructions: tuple[Instruction, ...] = field(default=())

    def of(self, name: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name == name]


def read_dockerfile(path: Path, arguments: Mapping[str, str] | None = None) -> tuple[Stage, ...]:
    """The stages in order; the last one is the image. `arguments` are those of `--build-arg`."""
    known: dict[str, str] = {}
    stages: list[Stage] = []
    for instruction in _instructions(path.read_text(encoding="utf-8")):
        words = _filled(instruction.words, known)
        match instruction.name:
            case "ARG":
                name, _, default = words.partition("=")
                known[name] = (arguments or {}).get(name, known.get(name, default))
            case "FROM":
                base, _, alias = words.partition(" AS ")
                stages.append(Stage(alias or "image", base))
            case _:
                last = stages[-1]
                added = Instruction(instruction.name, words)
                stages[-1] = Stage(last.name, last.base, (*last.instructions, added))
    return tuple(stages)


def _instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    pairs = (line.partition(" ") for line in joined.splitlines())
    return [Instruction(name.upper(), words.strip()) for name, _, words in pairs]


def _filled(words: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: known.get(match[1], match[0]), words)
