"""A list that is cut says so, beside the rows and not among them."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.omr.test_server import BATCH_ID, batch, sheet
from tests.cli.scripted_api import ScriptedApi, job, video

WAITS = {"waits_for_s": 1.0, "why": {"cause": "no_free_slot", "detail": "", "remedy": "", "needs_a_person": False}}


@pytest.mark.parametrize(
    ("command", "path", "row"),
    [
        ("jobs list", "/jobs", job()),
        ("jobs stuck", "/jobs/stuck", job() | WAITS),
        ("videos list", "/media/videos", video()),
        ("omr batches list", "/omr/batches", batch()),
        (f"omr sheets list {BATCH_ID}", f"/omr/batches/{BATCH_ID}/sheets", sheet()),
        ("omr review", "/omr/review", sheet()),
    ],
)
def test_a_list_that_is_cut_says_so(run: Run, api: ScriptedApi, command: str, path: str, row: dict[str, Any]):
    for cursor, is_cut in (("c1", True), (None, False)):
        api.on(f"GET {path}", {"items": [row, row], "next_cursor": cursor})
        for options in ([], ["--json"]):
            ended = run(*command.split(), "--limit", "2", *options)
            assert ended.code == 0, ended.err
            assert ("These are the" in ended.err) == is_cut
    assert json.loads(ended.out) == [row, row]
