"""How often a field is right of which so much speaks for what was read: confidence that means what it says.

The two engines err together, and a field is given the lesser of their certainties, so that what they say is neither
of both. The table holds what came of it on drawn sheets whose truth is known; `training/fit_confidence.py` makes it. No
confidence crosses the one below which answers are in doubt.
"""

import json
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TABLE: Final = Path(__file__).with_name("confidence.json")


def confidence_of(weight: Floats) -> Floats:
    """Of fields (n,), from what `fields.weighed` says of them: rising with it, straight between the table's rows."""
    said, right = _table()
    return np.asarray(np.interp(weight, said, right), dtype=np.float64)


@cache
def _table() -> tuple[Floats, Floats]:
    stored = json.loads(TABLE.read_text())
    return np.array(stored["said"]), np.array(stored["right"])
