"""Postgres on virtual time, and the pool through which the control plane reaches it.

`now()` in the control plane's SQL finds `simulated.now()` first, since the connections' search path says so; the
defaults of columns, which were bound when the tables were made, are bound anew.

Most of a seed's time is spent on the way to the server and back. So a transaction is begun by the first statement that
needs one: whatever comes before it only reads what is committed, which is the same in a transaction of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache, cached_property, partial
from typing import Any, LiteralString, Self, cast

import psycopg
from psycopg import Connection, Cursor
from psycopg._queries import PostgresQuery
from psycopg.abc import Buffer, Params, Query
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
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


class Endless(BaseException):
    """So many transactions belong to no work that comes to an end: somebody goes round in circles."""


# Whoever waits for a lock is on the same thread as whoever holds it, and is told at once that it took too long.
# Tables are small and change from one seed to the next, so that no plan is better for the values at hand.
_OPTIONS = (
    "-c search_path=simulated,pg_catalog,public -c timezone=UTC -c lock_timeout=2 -c academy.now=infinity"
    " -c plan_cache_mode=force_generic_plan -c jit=off"
)
# How many transactions may be open at once: one, and one of whoever is faster meanwhile.
DEPTH = 3


def install_clock(url: str) -> None:
    """Once in a migrated database."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(_CLOCK)
        for (statement,) in connection.execute(_DEFAULTS).fetchall():
            connection.execute(cast("LiteralString", statement))


class QuickConnection(Connection[TupleRow]):
    """psycopg's own connection, which never waits in the middle of a statement for anything but its result.

    From `open_transaction` on, a transaction begins with the first statement that locks, writes or reads the clock.
    """

    begin: bytes | None = None
    """What is still to be sent before such a statement."""
    meanwhile: Callable[[], None] = staticmethod(lambda: None)
    """Called before each statement: between two of one transaction, others have theirs."""

    def open_transaction(self, now: str) -> None:
        self.begin = f"BEGIN; SET LOCAL academy.now = '{now}'".encode()

    def end_transaction(self, how: bytes) -> None:
        """`how` is COMMIT or ROLLBACK; the latter as psycopg does it would forget all prepared statements."""
        self.begin = None
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            _checked(self.pgconn.exec_(how))

    def run(self, query: PostgresQuery) -> PGresult:
        """Its result. Each statement is prepared when it first comes."""
        self.meanwhile()
        name = self._prepared_names.get((query.query, query.types))
        if name is None:
            name = f"statement_{len(self._prepared_names)}".encode()
            _checked(self.pgconn.prepare(name, query.query, query.types))
            self._prepared_names[query.query, query.types] = name
        if self.begin is not None and _needs_transaction(query.query):
            begin, self.begin = self.begin, None
            _checked(self.pgconn.exec_(begin))
        # A NULL is None, which the signature leaves out.
        values = cast("Sequence[Buffer] | None", query.params)
        return _checked(self.pgconn.exec_prepared(name, values, query.formats))

    @cached_property
    def _prepared_names(self) -> dict[tuple[bytes, tuple[int, ...]], bytes]:
        return {}


class _QuickCursor(Cursor[Any]):
    """Values and rows are psycopg's work; its way to send, by turns of a generator, costs five times a plain call."""

    def execute(self, query: Query, params: Params | None = None, **_options: Any) -> Self:
        self._reset()
        self._tx = Transformer(self)
        self._set_results([cast("QuickConnection", self._conn).run(self._convert_query(query, params))])
        return self


def _checked(result: PGresult) -> PGresult:
    if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
        raise psycopg.errors.error_from_result(result)
    return result


@cache
def _needs_transaction(query: bytes) -> bool:
    return not query.startswith(b"SELECT ") or b"FOR UPDATE" in query or b"now()" in query


class SimulatedDatabase:
    """Connections that are opened once and used for one seed after another.

    `connections` are for the pool; one more sees only what they have committed.
    """

    def __init__(self, url: str) -> None:
        self.connections = [_connect(url) for _ in range(DEPTH)]
        self._beside = _connect(url)

    def reset(self) -> None:
        """Leave whatever transactions a seed that broke has left open."""
        for connection in self.connections:
            connection.end_transaction(b"ROLLBACK")

    def empty(self) -> None:
        self._beside.execute("TRUNCATE videos, jobs, omr_templates, omr_batches RESTART IDENTITY CASCADE")

    def fetch(self, query: LiteralString, *values: object) -> list[TupleRow]:
        """Beside the simulation: no fault, no virtual time."""
        return self._beside.execute(query, values).fetchall()

    @property
    def committed(self) -> Connection[TupleRow]:
        return self._beside

    def close(self) -> None:
        for connection in (*self.connections, self._beside):
            connection.close()


def _connect(url: str) -> QuickConnection:
    return QuickConnection.connect(
        url, autocommit=True, cursor_factory=_QuickCursor, connect_timeout=5, options=_OPTIONS
    )


@contextmanager
def open_database(url: str) -> Iterator[SimulatedDatabase]:
    with closing(SimulatedDatabase(url)) as database:
        yield database


class SimulatedPool:
    """Stands where `pipeline.database.pool.Pool` does. A commit may be refused, or its answer lost.

    Raises `Endless` after so many `transactions`.
    `crashes` counts, by the job's name, the submits whose handle may not have been stored.
    """

    def __init__(
        self,
        database: SimulatedDatabase,
        schedule: Schedule,
        faults: Faults,
        *,
        transactions: int,
        meanwhile: Callable[[], None],
    ) -> None:
        self._connections = database.connections
        for connection in self._connections:
            connection.meanwhile = meanwhile
        self._schedule = schedule
        self._faults = faults
        self.open = 0
        self.transactions_left = transactions
        self.crashes: Counter[str] = Counter()
        self._submitted: list[list[str]] = [[] for _ in range(DEPTH)]

    def as_pool(self) -> Pool:
        return cast("Pool", self)

    def note_submit(self, name: str) -> None:
        """The open transaction has submitted a job and will store its handle."""
        self._submitted[self.open - 1].append(name)

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        self.transactions_left -= 1
        if self.transactions_left < 0:
            raise Endless
        connection = self._connections[self.open]
        connection.open_transaction(self._schedule.tick().isoformat())
        self._submitted[self.open] = []
        self.open += 1
        commit, roll_back = (partial(connection.end_transaction, how) for how in (b"COMMIT", b"ROLLBACK"))
        try:
            try:
                yield connection
            except BaseException:
                roll_back()
                raise
            self._faults.call("commit", commit, error=Cut, undo=roll_back, share=0.25)
        except BaseException:
            self.crashes.update(self._submitted[self.open - 1])
            raise
        finally:
            self.open -= 1
