"""Fixtures that every test may ask for, and the order of the tests."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.fixtures.running_stack", "tests.fixtures.servers"]

TESTS = Path(__file__).parent
# Tests of whole installations wait more than they work. Begun first, they wait while another worker works, and none is
# left alone with them at the end.
FIRST = ("system", "cli", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.relative_to(TESTS).parts[0] not in FIRST)
