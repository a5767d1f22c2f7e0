"""Fixtures that every test may ask for."""

pytest_plugins = ["tests.fixtures.running_stack", "tests.fixtures.servers"]
