"""Versions of templates that were given none: a stored template never changes, so new content is a new version."""

import hashlib

from pipeline.answer_sheets.template import Template


def content_digest(template: Template) -> str:
    """32 hexadecimal digits, the same for the same frame, marks, fields, outputs and rules, whatever it is called."""
    content = template.model_dump_json(exclude={"name", "version"})
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def versioned(template: Template) -> Template:
    """The template with a version made of its content."""
    return template.model_copy(update={"version": content_digest(template)[:8]})
