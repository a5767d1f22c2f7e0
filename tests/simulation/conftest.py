"""A database with the simulation's clock, for the tests of each file."""

import logging
from collections.abc import Iterator

import pytest

from pipeline.logs import configure_logs
from tests.fixtures.servers import TEMPLATE, _database
from tests.simulation.database import SimulatedDatabase, install_clock, open_database


@pytest.fixture(scope="module")
def database(_postgres: str) -> Iterator[SimulatedDatabase]:
    level = logging.getLogger().level
    configure_logs("critical")
    with _database(_postgres, template=TEMPLATE) as url:
        install_clock(url)
        with open_database(url) as database:
            yield database
    logging.getLogger().setLevel(level)
