import pytest

from tests.control_plane.omr.sheets import Desk
from tests.control_plane.plane import Plane


@pytest.fixture
def desk(plane: Plane) -> Desk:
    return Desk(plane)
