"""Options that several commands share, and the API that they talk to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from cli.api import Api
from cli.connection import find_connection

A_DAY_S = 86_400.0

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with the API's own field names, and nothing else.")]
Tenant = Annotated[
    str | None,
    typer.Option("--tenant", metavar="NAME", help="Whose, on the stack of this machine.", show_default="demo"),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many, newest first.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the work to its end.")]
GiveUpAfter = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=1,
        metavar="SECONDS",
        help="Stop watching after this long; the work goes on.",
        show_default="a day",
    ),
]


@contextmanager
def open_api(tenant: str | None) -> Iterator[Api]:
    """The API of API_URL, else of this machine's stack; raises `Unavailable` where there is neither."""
    with Api(find_connection(tenant=tenant)) as api:
        yield api
