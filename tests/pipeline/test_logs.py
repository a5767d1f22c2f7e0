"""What is logged is structured, carries its context, and holds no secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from pipeline.logs import bind_log_context, configure_logs, get_logger, redact_text


@pytest.fixture
def lines() -> Iterator["Lines"]:
    root = logging.getLogger()
    before = root.handlers, root.level
    stream = io.StringIO()
    configure_logs("info", stream=stream)
    yield Lines(stream)
    root.handlers, root.level = before
    structlog.reset_defaults()


class Lines:
    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self._stream.getvalue().splitlines()[-1])
        return line

    def text(self) -> str:
        return self._stream.getvalue()


def test_a_line_is_json_with_its_context(lines: Lines):
    with bind_log_context(request_id="r", job_id="j", attempt=2, tenant_id="t"):
        get_logger("here").info("it_happened", size=3)
    line = lines.last()
    assert (line["event"], line["level"], line["logger"], line["size"]) == ("it_happened", "info", "here", 3)
    assert (line["request_id"], line["job_id"], line["attempt"], line["tenant_id"]) == ("r", "j", 2, "t")
    get_logger("here").info("after")
    assert "job_id" not in lines.last()


def test_lines_of_other_libraries_look_the_same(lines: Lines):
    logging.getLogger("urllib3").warning("retrying %s", "http://h/k?X-Amz-Signature=abc&x=1")
    assert lines.last()["event"] == "retrying http://h/k?[redacted]"


def test_a_level_below_the_one_asked_for_is_not_written(lines: Lines):
    get_logger("here").debug("detail")
    assert lines.text() == ""


def test_values_under_secret_names_are_not_written_at_any_depth(lines: Lines):
    get_logger("here").info("x", job_token="s3cret", deep={"Authorization": "s3cret", "list": [{"password": "s3cret"}]})
    assert "s3cret" not in lines.text()
    assert lines.last()["job_token"] == "[redacted]"


def test_a_traceback_holds_no_signature(lines: Lines):
    error = ValueError("GET /k?response=1&X-Amz-Signature=abc failed")
    try:
        raise error
    except ValueError:
        get_logger("here").exception("failed")
    assert "Traceback" in lines.last()["exception"]
    assert "abc" not in lines.text()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("http://h/a?X-Amz-Signature=abc&b=1 next", "http://h/a?[redacted] next"),
        ("url: /a?x=1&X-Amz-Credential=k (Caused by", "url: /a?[redacted] (Caused by"),
        ("redis://job:pass@h:1/0", "redis://job:[redacted]@h:1/0"),
        ("postgresql://:pass@h/d", "postgresql://:[redacted]@h/d"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJrIn0.sig-_x end", "Bearer [redacted] end"),
        ("what? a question, and http://h/list?page=2", "what? a question, and http://h/list?page=2"),
    ],
)
def test_secrets_in_text_are_taken_out_and_the_rest_stays(text: str, clean: str):
    assert redact_text(text) == clean
