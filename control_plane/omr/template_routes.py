"""Templates: stored once, listed, shown."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from control_plane.auth import Reader, Writer
from control_plane.cursors import next_cursor, parse_cursor
from control_plane.failures import of_writers
from control_plane.omr.calls import TemplateCall
from control_plane.omr.replies import TemplateCreated, TemplatePage, TemplateReply
from control_plane.omr.shown import show_template
from control_plane.omr.templates import get_template, store_template
from control_plane.omr.uploads import sign_upload
from control_plane.services import Wired
from pipeline.answer_sheets.template import Template
from pipeline.database.omr_templates import get_template_json, list_pictures, list_templates
from pipeline.database.videos import Cursor

router = APIRouter(prefix="/api/v1/omr/templates", tags=["omr"])


@router.post("", status_code=201, responses=of_writers("`template_exists`"))
def create(services: Wired, caller: Writer, call: TemplateCall) -> TemplateCreated:
    """Store a template; under `uploads` are the presigned PUTs of its pictures.

    The same once more answers the same row, with new PUTs for pictures that no batch has used yet. Another content
    under the same name and version is 409 `template_exists`: a stored template never changes.
    """
    template, pictures = store_template(services, caller, call)
    return TemplateCreated(
        **vars(show_template(template, pictures)),
        template=call.template,
        uploads=tuple(sign_upload(services, picture) for picture in pictures if picture.etag is None),
    )


@router.get("")
def list_(
    services: Wired,
    caller: Reader,
    *,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> TemplatePage:
    """Templates of the caller's tenant, newest first, without their JSON."""
    with services.pool.connection() as connection:
        templates = list_templates(connection, caller.tenant_id, after=parse_cursor(cursor), limit=limit)
        pictures = list_pictures(connection, caller.tenant_id, [template.id for template in templates])
    places = [Cursor(template.created_at, template.id) for template in templates]
    return TemplatePage(
        items=tuple(show_template(template, pictures) for template in templates),
        next_cursor=next_cursor(places, limit=limit),
    )


@router.get("/{template_id}")
def get(services: Wired, caller: Reader, template_id: UUID) -> TemplateReply:
    """A template with its JSON."""
    with services.pool.connection() as connection:
        template = get_template(connection, caller.tenant_id, template_id)
        pictures = list_pictures(connection, caller.tenant_id, [template_id])
        body = get_template_json(connection, caller.tenant_id, template_id)
    return TemplateReply(**vars(show_template(template, pictures)), template=Template.model_validate(body))
