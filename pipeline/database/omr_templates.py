"""The tables `omr_templates` and `omr_template_pictures`. A template never changes; its pictures are pinned once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from pipeline.database.columns import columns_of
from pipeline.database.videos import Cursor


@dataclass(frozen=True)
class OmrTemplate:
    """A row without its JSON: `outputs` are {"name", "kind", "student"} of what it reports, in order."""

    id: UUID
    tenant_id: str
    name: str
    template_version: str
    outputs: list[dict[str, Any]]
    created_by: str
    created_at: datetime


@dataclass(frozen=True)
class NewTemplate:
    id: UUID
    tenant_id: str
    name: str
    template_version: str
    template: dict[str, Any]
    outputs: list[dict[str, Any]]
    created_by: str


@dataclass(frozen=True)
class TemplatePicture:
    """`etag` is None until a batch was completed with the template."""

    template_id: UUID
    name: str
    number: int
    content_type: str
    declared_bytes: int
    key: str
    etag: str | None = None


_COLUMNS = columns_of(OmrTemplate)
_PICTURE_COLUMNS = columns_of(TemplatePicture)


def insert_template(connection: Connection[TupleRow], new: NewTemplate) -> OmrTemplate | None:
    """None where the tenant has a template of this name and version; a call that inserts the same now is waited for."""
    query = SQL(
        "INSERT INTO omr_templates (id, tenant_id, name, template_version, template, outputs, created_by)"
        " VALUES (%(id)s, %(tenant_id)s, %(name)s, %(template_version)s, %(template)s, %(outputs)s, %(created_by)s)"
        " ON CONFLICT (tenant_id, name, template_version) DO NOTHING RETURNING {}"
    ).format(_COLUMNS)
    values = {**vars(new), "template": Jsonb(new.template), "outputs": Jsonb(new.outputs)}
    with connection.cursor(row_factory=class_row(OmrTemplate)) as cursor:
        return cursor.execute(query, values).fetchone()


def insert_pictures(connection: Connection[TupleRow], tenant_id: str, pictures: Sequence[TemplatePicture]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO omr_template_pictures"
            " (tenant_id, template_id, name, number, content_type, declared_bytes, key)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [(tenant_id, p.template_id, p.name, p.number, p.content_type, p.declared_bytes, p.key) for p in pictures],
        )


def find_template(connection: Connection[TupleRow], tenant_id: str, template_id: UUID) -> OmrTemplate | None:
    query = SQL("SELECT {} FROM omr_templates WHERE tenant_id = %s AND id = %s").format(_COLUMNS)
    with connection.cursor(row_factory=class_row(OmrTemplate)) as cursor:
        return cursor.execute(query, [tenant_id, template_id]).fetchone()


def get_named_template(
    connection: Connection[TupleRow], tenant_id: str, *, name: str, template_version: str
) -> OmrTemplate:
    """The row that stood in the way of `insert_template`."""
    query = SQL("SELECT {} FROM omr_templates WHERE tenant_id = %s AND name = %s AND template_version = %s").format(
        _COLUMNS
    )
    with connection.cursor(row_factory=class_row(OmrTemplate)) as cursor:
        template = cursor.execute(query, [tenant_id, name, template_version]).fetchone()
    assert template is not None, "templates are never deleted"
    return template


def get_template_json(connection: Connection[TupleRow], tenant_id: str, template_id: UUID) -> dict[str, Any]:
    """The whole template of a row that is known to be there."""
    row = connection.execute(
        "SELECT template FROM omr_templates WHERE tenant_id = %s AND id = %s", [tenant_id, template_id]
    ).fetchone()
    assert row is not None, f"template {template_id} is not there"
    template: dict[str, Any] = row[0]
    return template


def list_templates(
    connection: Connection[TupleRow], tenant_id: str, *, after: Cursor | None, limit: int
) -> list[OmrTemplate]:
    """A tenant's templates, newest first."""
    behind = SQL("AND (created_at, id) < (%(created_at)s, %(id)s)") if after is not None else SQL("")
    query = SQL(
        "SELECT {} FROM omr_templates WHERE tenant_id = %(tenant_id)s {} ORDER BY created_at DESC, id DESC"
        " LIMIT %(limit)s"
    ).format(_COLUMNS, behind)
    place = vars(after) if after is not None else {}
    with connection.cursor(row_factory=class_row(OmrTemplate)) as cursor:
        return cursor.execute(query, {"tenant_id": tenant_id, "limit": limit, **place}).fetchall()


def list_pictures(
    connection: Connection[TupleRow], tenant_id: str, template_ids: Sequence[UUID]
) -> list[TemplatePicture]:
    query = SQL(
        "SELECT {} FROM omr_template_pictures WHERE tenant_id = %s AND template_id = ANY(%s) ORDER BY number"
    ).format(_PICTURE_COLUMNS)
    with connection.cursor(row_factory=class_row(TemplatePicture)) as cursor:
        return cursor.execute(query, [tenant_id, list(template_ids)]).fetchall()


def pin_pictures(
    connection: Connection[TupleRow], tenant_id: str, template_id: UUID, *, etags: Sequence[tuple[str, str]]
) -> None:
    """Pin pictures by (name, ETag); one that is pinned stays as it is."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE omr_template_pictures SET etag = %s"
            " WHERE tenant_id = %s AND template_id = %s AND name = %s AND etag IS NULL",
            [(etag, tenant_id, template_id, name) for name, etag in etags],
        )
