"""Postgres on virtual time, and the pool through which the control plane reaches it.

`now()` in the control plane's SQL finds `simulated.now()` first, since the connections' search path says so; the
defaults of columns, which were bound when the tables were made, are bound anew.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import LiteralString, cast

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from pipeline.database.pool import Pool
from tests.simulation.faults import Faults
from tests.simulation.schedule import Schedule

_CLOCK = """
CREATE SCHEMA simulated;
CREATE FUNCTION simulated.now() RETURNS timestamptz STABLE LANGUAGE sql
    AS $$ SELECT pg_catalog.current_setting('academy.now')::timestamptz $$;
"""
_DEFAULTS = """
SELECT format('ALTER TABLE %I.%I ALTER COLUMN %I SET DEFAULT simulated.now()', n.nspname, c.relname, a.attname)
FROM pg_attrdef d
JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum
WHERE pg_get_expr(d.adbin, d.adrelid) = 'now()'
"""


class Cut(psycopg.OperationalError):
    """The connection broke, on purpose."""


# Nothing waits for a lock here: whoever would is on the same thread as whoever holds it.
_OPTIONS = "-c search_path=simulated,pg_catalog,public -c timezone=UTC -c lock_timeout=500 -c academy.now=infinity"
# How many transactions may be open at once: one, and one of whoever is faster meanwhile.
DEPTH = 3


def install_clock(url: str) -> None:
    """Once in a migrated database."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(_CLOCK)
        for (statement,) in connection.execute(_DEFAULTS).fetchall():
            connection.execute(cast("LiteralString", statement))


class SimulatedDatabase:
    """Connections that are opened once and used for one seed after another."""

    def __init__(self, url: str) -> None:
        self.connections = [
            psycopg.connect(url, autocommit=True, connect_timeout=5, options=_OPTIONS) for _ in range(DEPTH)
        ]

    def empty(self) -> None:
        self.connections[0].execute("TRUNCATE videos, jobs, omr_templates, omr_batches RESTART IDENTITY CASCADE")

    def fetch(self, query: LiteralString, *values: object) -> list[TupleRow]:
        """Beside the simulation: no fault, no virtual time."""
        return self.connections[0].execute(query, values).fetchall()

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


@contextmanager
def open_database(url: str) -> Iterator[SimulatedDatabase]:
    with closing(SimulatedDatabase(url)) as database:
        yield database


class SimulatedPool:
    """Stands where `pipeline.database.pool.Pool` does. A commit may be refused, or its answer lost.

    `crashes` counts, by the job's name, the submits whose handle may not have been stored.
    """

    def __init__(self, database: SimulatedDatabase, schedule: Schedule, faults: Faults) -> None:
        self._connections = database.connections
        self._schedule = schedule
        self._faults = faults
        self.open = 0
        self.crashes: Counter[str] = Counter()
        self._submitted: list[list[str]] = [[] for _ in range(DEPTH)]

    def as_pool(self) -> Pool:
        return cast("Pool", self)

    def note_submit(self, name: str) -> None:
        """The open transaction has submitted a job and will store its handle."""
        self._submitted[self.open - 1].append(name)

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        connection = self._connections[self.open]
        now = self._schedule.tick().isoformat()
        connection.execute(f"BEGIN; SET LOCAL academy.now = '{now}'".encode())
        self._submitted[self.open] = []
        self.open += 1
        try:
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            self._faults.call("commit", connection.commit, error=Cut, undo=connection.rollback, share=0.25)
        except BaseException:
            self.crashes.update(self._submitted[self.open - 1])
            raise
        finally:
            self.open -= 1
