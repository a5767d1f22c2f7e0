"""Open a template of any format that is known; what a file is, is told by its content, never by its name."""

from pathlib import Path

from pydantic import ValidationError

from pipeline.answer_sheets.importing.formscanner import open_formscanner
from pipeline.answer_sheets.importing.neutral import open_neutral
from pipeline.answer_sheets.importing.omrchecker import open_omrchecker
from pipeline.answer_sheets.importing.opened import OpenedTemplate, refuse, told
from pipeline.answer_sheets.importing.own import open_own
from pipeline.answer_sheets.importing.places import Place, parse_json
from pipeline.answer_sheets.importing.xml_tree import parse_xml
from pipeline.answer_sheets.versioning import versioned
from pipeline.errors import Invalid

# 2,000 fields of 10 bubbles are 2 MB in the wordiest of the formats.
LARGEST_BYTES = 8 * 1024 * 1024
KNOWN = "our own, the neutral one, OMRChecker's template.json and FormScanner's .xtmpl"


def open_template(path: Path) -> OpenedTemplate:
    """The template with the pictures beside it; one whose file names no version gets one of its content.

    Raises `Invalid`: `file_not_found`, or `template_invalid` with the place in the file and the value there.
    """
    content = _read(path)
    try:
        return _opened(content, path)
    except ValidationError as exc:
        refuse(path.name, told(exc))


def _opened(content: bytes, path: Path) -> OpenedTemplate:
    if content.lstrip().startswith(b"<"):
        root = parse_xml(content, path.name)
        if root.name != "template":
            root.refuse(f"this is no template of FormScanner; known formats are {KNOWN}")
        return _versioned(open_formscanner(root, path))
    document = Place(parse_json(_text(content, path), path.name), path.name, outermost=True)
    keys = document.mapping().keys()
    if "fieldBlocks" in keys:
        return _versioned(open_omrchecker(document, path))
    if "frame" in keys and ("set" in keys or "name" not in keys):
        return _versioned(open_neutral(document, path))
    if "frame" not in keys:
        listed = ", ".join(list(keys)[:8]) or "no keys"
        refuse(path.name, f"an object with {listed} is no template; known formats are {KNOWN}")
    return open_own(document, path) if "version" in keys else _versioned(open_own(document, path))


def _versioned(opened: OpenedTemplate) -> OpenedTemplate:
    return OpenedTemplate(versioned(opened.template), opened.pictures)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            refuse(path.name, f"{path.stat().st_size} bytes are more than a template has ({LARGEST_BYTES})")
        return path.read_bytes()
    except OSError as exc:
        raise Invalid("file_not_found", f"{path} cannot be read: {exc.strerror}") from exc


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        refuse(path.name, f"this is neither JSON nor XML: byte {exc.start} is no UTF-8")
