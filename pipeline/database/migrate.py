"""Bring the schema up to date: numbered .sql files, each applied once, in order, in a transaction of its own.

`python -m pipeline.database.migrate` does it to `DATABASE_URL`. Any number of processes may do so at once.
"""

import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from pipeline.database.address import open_address
from pipeline.database.pool import CONNECT_TIMEOUT_S
from pipeline.errors import AcademyError
from pipeline.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number that no other program uses in this database.
LOCK_KEY = 7_203_114_902
# How long to wait for another process that migrates: longer than any migration, and than a server's own lock_timeout,
# which is there for what a migration itself would lock.
WAIT_FOR_OTHERS = "1h"


class MigrationError(AcademyError):
    """The files and what was applied from them before do not fit together; a person has to look."""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """The files `NNNN_name.sql` in order; raises `MigrationError` unless they count 1, 2, 3 …"""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if match is None:
            raise MigrationError("migration_name_invalid", f"{path.name} is not NNNN_name.sql")
        found.append(Migration(int(match[1]), path.name, path.read_text(encoding="utf-8")))
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationError("migration_number_invalid", f"expected 1, 2, 3 … without a hole, found {numbers}")
    return tuple(found)


def migrate(database_url: str, *, folder: Path = MIGRATIONS) -> tuple[str, ...]:
    """Apply what is missing and return its names.

    Raises `MigrationError` where an applied file has changed since, or the database is ahead of the files.
    """
    migrations = load_migrations(folder)
    with psycopg.connect(
        database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="academy-migrate"
    ) as connection:
        # Held by the session: a second process waits here until the first is done, then finds nothing to do.
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [WAIT_FOR_OTHERS])
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        connection.execute("RESET lock_timeout")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations ("
            " number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = _applied(connection)
        _check(migrations, applied)
        missing = [migration for migration in migrations if migration.number not in applied]
        for migration in missing:
            _apply(connection, migration)
        return tuple(migration.name for migration in missing)


def _applied(connection: psycopg.Connection[TupleRow]) -> dict[int, str]:
    rows = connection.execute("SELECT number, checksum FROM schema_migrations").fetchall()
    return dict(rows)


def _check(migrations: tuple[Migration, ...], applied: dict[int, str]) -> None:
    known = {migration.number: migration for migration in migrations}
    for number, checksum in sorted(applied.items()):
        migration = known.get(number)
        if migration is None:
            raise MigrationError("database_is_newer", f"migration {number} was applied, but is not among the files")
        if migration.checksum != checksum:
            raise MigrationError("migration_changed", f"{migration.name} is not what was applied; add a new file")


def _apply(connection: psycopg.Connection[TupleRow], migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql)
        connection.execute(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES (%s, %s, %s)",
            [migration.number, migration.name, migration.checksum],
        )


def main() -> int:
    settings = Settings()
    if settings.database_url is None:
        sys.stderr.write("DATABASE_URL is not set\n")
        return 64
    for name in migrate(open_address(settings)()):
        sys.stdout.write(f"applied {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
