"""The one pool of Postgres connections that a process has."""

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from pipeline.database.address import open_address
from pipeline.settings import Settings

Pool = ConnectionPool[Connection[TupleRow]]

# Above the 5 s within which a caller of the API expects an answer, below the 30 s at which load balancers give up.
STATEMENT_TIMEOUT_MS = 10_000
# The dispatcher keeps a row locked while it talks to the executor, which may take a few bounded retries.
IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000
CONNECT_TIMEOUT_S = 5
# How long a request waits for a free connection before it is answered 503.
CHECKOUT_TIMEOUT_S = 5.0


def open_pool(settings: Settings, *, application_name: str = "academy") -> Pool:
    """A pool of `database_pool_size` connections, to be used as a context manager or closed.

    It connects in the background: where Postgres is away, taking a connection raises `psycopg_pool.PoolTimeout`.
    """
    return ConnectionPool(
        open_address(settings),
        min_size=settings.database_pool_size,
        max_size=settings.database_pool_size,
        timeout=CHECKOUT_TIMEOUT_S,
        # Postgres may be away for minutes; the pool has to outlive that.
        reconnect_timeout=3600.0,
        check=ConnectionPool.check_connection,
        open=True,
        name=application_name,
        kwargs={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": application_name,
            "options": (
                f"-c statement_timeout={STATEMENT_TIMEOUT_MS} "
                f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS} "
                "-c timezone=UTC"
            ),
        },
    )
