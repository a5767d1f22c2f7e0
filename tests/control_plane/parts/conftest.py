"""A long video's job, before and after it was handed to the executor."""

from uuid import UUID

import pytest

from tests.control_plane.parts.child import PARTS, Child
from tests.control_plane.plane import Plane


@pytest.fixture
def long(plane: Plane) -> UUID:
    """The job of a video of six minutes, above the length from which they have parts."""
    plane.probe.duration_s = 360.0
    return plane.uploaded()[1]


@pytest.fixture
def children(plane: Plane, long: UUID) -> list[Child]:
    """Of a dispatched job."""
    plane.turn("dispatcher")
    return [Child(plane, long, part) for part in range(PARTS)]
