"""Storing templates: a name and version stand for one content, for ever."""

from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.auth import Caller
from control_plane.omr.calls import FileCall, TemplateCall
from control_plane.omr.uploads import PICTURES, check_calls
from control_plane.services import Services
from pipeline.answer_sheets.template import Template
from pipeline.database.omr_templates import (
    NewTemplate,
    OmrTemplate,
    TemplatePicture,
    find_template,
    get_named_template,
    get_template_json,
    insert_pictures,
    insert_template,
    list_pictures,
)
from pipeline.errors import Conflict, Invalid, NotFound
from pipeline.storage.keys import template_picture_key

# A scanned blank form in colour has a few megabytes.
LARGEST_PICTURE_BYTES = 50 * 1024 * 1024

Stored = tuple[OmrTemplate, list[TemplatePicture]]


def store_template(services: Services, caller: Caller, call: TemplateCall) -> Stored:
    """The new row, or the one that is the same; raises `Conflict` where name and version stand for something else."""
    _check_pictures(call)
    new = _new_template(caller, call.template)
    with services.pool.connection() as connection:
        inserted = insert_template(connection, new)
        if inserted is not None:
            pictures = _new_pictures(caller, new.id, call.pictures)
            insert_pictures(connection, caller.tenant_id, pictures)
            return inserted, pictures
        return _find_same(connection, caller, new, call.pictures)


def get_template(connection: Connection[TupleRow], tenant_id: str, template_id: UUID) -> OmrTemplate:
    """Raises `NotFound`."""
    template = find_template(connection, tenant_id, template_id)
    if template is None:
        raise NotFound("template_not_found", f"no template {template_id}")
    return template


def _check_pictures(call: TemplateCall) -> None:
    check_calls(call.pictures, types=PICTURES)
    named = {fiducial.picture for fiducial in call.template.fiducials if fiducial.picture is not None}
    given = {picture.name for picture in call.pictures}
    if named != given:
        raise Invalid("pictures_do_not_match", f"the template names {sorted(named)}, the call {sorted(given)}")
    for picture in call.pictures:
        if picture.size > LARGEST_PICTURE_BYTES:
            raise Invalid("size_too_large", f"{picture.name}: {picture.size} bytes, above {LARGEST_PICTURE_BYTES}")


def _new_template(caller: Caller, template: Template) -> NewTemplate:
    return NewTemplate(
        id=uuid4(),
        tenant_id=caller.tenant_id,
        name=template.name,
        template_version=template.version,
        template=template.model_dump(mode="json"),
        outputs=[
            output.model_dump(mode="json", include={"name", "kind", "student"}) for output in template.all_outputs()
        ],
        created_by=caller.user_id,
    )


def _new_pictures(caller: Caller, template_id: UUID, pictures: tuple[FileCall, ...]) -> list[TemplatePicture]:
    return [
        TemplatePicture(
            template_id=template_id,
            name=picture.name,
            number=number,
            content_type=picture.content_type,
            declared_bytes=picture.size,
            key=template_picture_key(caller.tenant_id, template_id, number, PICTURES[picture.content_type]),
        )
        for number, picture in enumerate(pictures, start=1)
    ]


def _find_same(
    connection: Connection[TupleRow], caller: Caller, new: NewTemplate, given: tuple[FileCall, ...]
) -> Stored:
    there = get_named_template(connection, caller.tenant_id, name=new.name, template_version=new.template_version)
    pictures = list_pictures(connection, caller.tenant_id, [there.id])
    is_same = get_template_json(connection, caller.tenant_id, there.id) == new.template and {
        (picture.name, picture.declared_bytes, picture.content_type) for picture in pictures
    } == {(picture.name, picture.size, picture.content_type) for picture in given}
    if not is_same:
        raise Conflict(
            "template_exists", f"version {new.template_version!r} of {new.name!r} has another content; name a new one"
        )
    return there, pictures
