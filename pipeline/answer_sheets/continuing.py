"""Later pages of a form that is printed several times: the same bubbles, the questions numbered on."""

import re

from pipeline.answer_sheets.template import Output, OutputKind, Template
from pipeline.errors import Invalid

NUMBER = re.compile(r"^(?P<stem>.*?)(?P<number>\d+)$")


def template_of_page(template: Template, page: int) -> Template:
    """The template as page `page` (from 1) uses it: where it asks q1 to q96, page 2 asks q97 to q192.

    Identifiers, and questions without a number, are the same on every page.
    """
    if page < 1:
        raise Invalid("page_invalid", f"pages count from 1, not {page}")
    if page == 1:
        return template
    numbered = [found for output in template.all_outputs() if (found := _numbered(output))]
    numbers = [int(found["number"]) for found in numbered]
    asked = max(numbers) - min(numbers) + 1 if numbers else 0
    outputs = tuple(_numbered_on(output, (page - 1) * asked) for output in template.all_outputs())
    return template.model_copy(update={"outputs": outputs})


def _numbered(output: Output) -> re.Match[str] | None:
    return NUMBER.match(output.name) if output.kind is OutputKind.QUESTION else None


def _numbered_on(output: Output, more: int) -> Output:
    found = _numbered(output)
    if found is None:
        return output
    return output.model_copy(update={"name": f"{found['stem']}{int(found['number']) + more}"})
