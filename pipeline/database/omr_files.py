"""The table `omr_files`: the files of a batch, in the order in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL

from pipeline.database.columns import columns_of


@dataclass(frozen=True)
class OmrFile:
    """`number` counts from 1 within the batch; `etag` and `shard` are None until `complete` has pinned the file."""

    number: int
    name: str
    content_type: str
    declared_bytes: int
    key: str
    etag: str | None = None
    shard: int | None = None


@dataclass(frozen=True)
class PinnedFile:
    number: int
    etag: str
    shard: int


_COLUMNS = columns_of(OmrFile)


def insert_files(connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, files: Sequence[OmrFile]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO omr_files (tenant_id, batch_id, number, name, content_type, declared_bytes, key)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [(tenant_id, batch_id, f.number, f.name, f.content_type, f.declared_bytes, f.key) for f in files],
        )


def pin_files(connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, files: Sequence[PinnedFile]) -> None:
    """Say what was checked and which job reads it; the caller has moved the batch from PENDING."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE omr_files SET etag = %s, shard = %s"
            " WHERE tenant_id = %s AND batch_id = %s AND number = %s AND etag IS NULL",
            [(file.etag, file.shard, tenant_id, batch_id, file.number) for file in files],
        )


def list_files(connection: Connection[TupleRow], tenant_id: str, batch_id: UUID) -> list[OmrFile]:
    query = SQL("SELECT {} FROM omr_files WHERE tenant_id = %s AND batch_id = %s ORDER BY number").format(_COLUMNS)
    with connection.cursor(row_factory=class_row(OmrFile)) as cursor:
        return cursor.execute(query, [tenant_id, batch_id]).fetchall()


def list_files_of_shard(
    connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, shard: int
) -> list[OmrFile]:
    query = SQL(
        "SELECT {} FROM omr_files WHERE tenant_id = %s AND batch_id = %s AND shard = %s ORDER BY number"
    ).format(_COLUMNS)
    with connection.cursor(row_factory=class_row(OmrFile)) as cursor:
        return cursor.execute(query, [tenant_id, batch_id, shard]).fetchall()
