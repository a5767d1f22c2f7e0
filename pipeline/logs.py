"""Structured logs on stderr: JSON lines, or readable ones on a terminal. Secrets are taken out of every line.

Every line carries what was bound with `bind_log_context`: request_id, tenant_id, job_id and attempt. Lines of
libraries that use the standard `logging` pass through the same processors.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(
    r"token|secret|password|passwd|authorization|cookie|signature|credential|access_key", re.IGNORECASE
)
# A query that carries a signature or a token. Errors of HTTP libraries quote paths without their host, so that a
# whole URL cannot be waited for.
_SIGNED_QUERY = re.compile(r"\?(?=[^\s'\"<>]*(?:X-Amz-|Signature=|token=|sig=))[^\s'\"<>)\]]*", re.IGNORECASE)
_JSON_WEB_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@", re.IGNORECASE)


def redact_text(text: str) -> str:
    """`text` without signed queries, JSON Web Tokens and passwords in URLs."""
    text = _SIGNED_QUERY.sub(f"?{REDACTED}", text)
    text = _JSON_WEB_TOKEN.sub(REDACTED, text)
    return _URL_PASSWORD.sub(rf"\1:{REDACTED}@", text)


def _redacted(value: object) -> object:
    match value:
        case str():
            return redact_text(value)
        case dict():
            return {key: REDACTED if _names_a_secret(key) else _redacted(item) for key, item in value.items()}
        case list() | tuple():
            return [_redacted(item) for item in value]
        case None | bool() | int() | float():
            return value
        case _:
            return redact_text(str(value))


def _names_a_secret(key: object) -> bool:
    return isinstance(key, str) and _SECRET_KEY.search(key) is not None


def redact_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the last one before a line is rendered."""
    return {
        key: REDACTED if _names_a_secret(key) else value if key.startswith("_") else _redacted(value)
        for key, value in event.items()
    }


def configure_logs(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Set up logging for this process; called once, by its entry point. `level` is a name such as "info"."""
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if target.isatty() else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact_secrets, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def bind_log_context(**values: object) -> Iterator[None]:
    """Add values to every line that this thread or task logs inside the block."""
    with structlog.contextvars.bound_contextvars(**values):
        yield
