"""Which bubbles of a form are printed alike: from its template alone, so that it is worked out once for all pages."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.answer_sheets.template import Field

Members = NDArray[np.intp]
Outline = tuple[str, float, float]
Key = TypeVar("Key", bound=Hashable)


class Kind(NamedTuple):
    outline: Outline
    block: str | None
    value: str


@dataclass(frozen=True)
class PrintedAlike:
    """The bubbles by what they share, from hardly anything to everything that their print depends on."""

    anywhere: Mapping[Outline, Members]
    in_block: Mapping[tuple[Outline, str | None], Members]
    same_value: Mapping[tuple[Outline, str], Members]
    alike: Mapping[Kind, Members]


def printed_alike(fields: Sequence[Field]) -> PrintedAlike:
    """Bubbles count from 0, field after field."""
    kinds = [
        Kind((field.shape, round(field.half_width, 1), round(field.half_height, 1)), field.block, bubble.value)
        for field in fields
        for bubble in field.bubbles
    ]
    return PrintedAlike(
        anywhere=_groups(kind.outline for kind in kinds),
        in_block=_groups((kind.outline, kind.block) for kind in kinds),
        same_value=_groups((kind.outline, kind.value) for kind in kinds),
        alike=_groups(kinds),
    )


def _groups(keys: Iterable[Key]) -> dict[Key, Members]:
    found: dict[Key, list[int]] = {}
    for number, key in enumerate(keys):
        found.setdefault(key, []).append(number)
    return {key: np.array(members, dtype=np.intp) for key, members in found.items()}
