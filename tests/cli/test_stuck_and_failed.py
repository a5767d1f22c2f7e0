"""`academy jobs stuck`, and `academy jobs resubmit --failed`."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli import resubmitting
from cli.periods import moment
from pipeline.errors import Invalid, Unavailable
from pipeline.execution.token_bucket import TokenBucket
from tests.cli.conftest import Run
from tests.cli.scripted_api import VIDEO_ID, ScriptedApi, job
from tests.cli.test_jobs import Terminal

NEW_ID = "77777777-0000-4000-8000-000000000002"
BUSY = (503, {"reason": "postgres_unavailable", "detail": ""})
TURN = {"cause": "no_free_slot", "detail": "2 of at most 2.", "remedy": "", "needs_a_person": False}
LIVE = (409, {"reason": "job_is_live", "detail": "job 9 is running"})


def failed(number: int, reason: str = "WORKER_KILLED") -> dict[str, Any]:
    row = job(id=f"{number:08x}-0000-4000-8000-000000000001", state="failed", reason=reason)
    return row | {"ended_at": f"2026-01-02T03:{number:02}:00+00:00", "refusal": None}


def plays(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"refusal": {"reason": "video_is_ready", "detail": f"video {VIDEO_ID} is READY"}}


def path(row: dict[str, Any]) -> str:
    return f"POST /jobs/{row['id']}/resubmit"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the bucket waited before each token."""
    waited: list[float] = []

    class Still(TokenBucket):
        def __init__(self, rate_per_s: float, size: int) -> None:
            now = [0.0]

            def sleep(seconds: float) -> None:
                waited.append(seconds)
                now[0] += seconds

            super().__init__(rate_per_s, size, clock=lambda: now[0], sleep=sleep)

    monkeypatch.setattr("cli.jobs.TokenBucket", Still)
    monkeypatch.setattr("pipeline.retrying.time.sleep", lambda _s: None)
    return waited


def test_stuck_puts_jobs_together_by_what_holds_them_up(run: Run, api: ScriptedApi):
    closed = {
        "cause": "queue_closed",
        "detail": "The queue video is DISABLED.",
        "remedy": "aws batch x",
        "needs_a_person": True,
    }
    rows = [failed(n) | {"state": "runnable", "waits_for_s": 60.0 * n, "why": TURN} for n in range(1, 13)]
    rows.append(failed(99) | {"state": "runnable", "waits_for_s": 3723.0, "why": closed})
    api.on("GET /jobs/stuck", {"items": rows, "next_cursor": None})
    out = run("jobs", "stuck").out
    lines = out.splitlines()
    assert lines[0] == "The queue is closed  (queue_closed, 1 job)", "what needs a person comes first"
    assert "→ aws batch x" in out
    assert "1:02:03" in out
    assert "All places of this machine are taken  (no_free_slot, 12 jobs)" in lines
    assert "… and 2 more" in out
    assert json.loads(run("jobs", "stuck", "--json").out) == rows
    api.on("GET /jobs/stuck", {"items": [], "next_cursor": None})
    assert run("jobs", "stuck").err == "No job waits.\n"


def test_failed_jobs_are_shown_counted_by_reason_and_nothing_happens_without_a_yes(
    run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
):
    rows = [failed(n) for n in range(1, 13)] + [failed(20, "JOB_LOST"), failed(21, "CANCELLED")]
    api.on("GET /jobs/failed", {"items": rows[:7], "next_cursor": "c1"}, {"items": rows[7:], "next_cursor": None})
    ended = run("jobs", "resubmit", "--failed", "--since", "1d", "--kind", "transcode")
    assert (ended.code, ended.out) == (4, "")
    assert "Resubmit 13 jobs, 60 a minute? Give --yes" in ended.err
    assert f"Left out: 1 job, CANCELLED. The first is {rows[-1]['id']}: a person ended it" in ended.err
    lines = [line.split()[:2] for line in ended.err.splitlines()]
    assert lines.index(["WORKER_KILLED", "12"]) < lines.index(["JOB_LOST", "1"]), "the most frequent first"
    assert "… and 3 more." in ended.err
    first, second = api.calls("GET /jobs/failed")
    assert first.query["kind"] == "transcode"
    since, until = (datetime.fromisoformat(first.query[name]) for name in ("ended_since", "ended_until"))
    assert until - since == timedelta(days=1)
    assert second.query == first.query | {"cursor": "c1"}

    api.on("GET /jobs/failed", {"items": rows, "next_cursor": None})
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert run("jobs", "resubmit", "--failed").code == 4
    assert not [call for call in api.seen if call.method == "POST"]


def test_confirmed_jobs_are_resubmitted_the_oldest_first_and_at_the_rate(
    run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
):
    rows = [failed(n) for n in (3, 1, 2)]
    api.on("GET /jobs/failed", {"items": rows, "next_cursor": None})
    for row in rows:
        api.on(path(row), job(id=NEW_ID), status=202)
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    ended = run("jobs", "resubmit", "--failed", "--per-minute", "30", "--reason", "WORKER_KILLED")
    assert ended.code == 0
    posts = [call for call in api.seen if call.method == "POST"]
    assert [call.path[6:14] for call in posts] == ["00000001", "00000002", "00000003"]
    assert [call.json for call in posts] == [{"force": False}] * 3, "a stream that plays is never replaced"
    assert pauses == [2.0, 2.0]
    assert api.calls("GET /jobs/failed")[0].query["reason"] == "WORKER_KILLED"
    assert "Resubmitted 3 jobs; 0 refused." in ended.err


@pytest.mark.usefixtures("pauses")
def test_what_would_be_refused_is_left_out_of_the_preview_and_of_the_work(run: Run, api: ScriptedApi):
    rows = [plays(failed(1)), failed(2), plays(failed(3)), failed(4, "CANCELLED")]
    api.on("GET /jobs/failed", {"items": rows, "next_cursor": None})
    asked = run("jobs", "resubmit", "--failed")
    assert "Resubmit 1 job, 60 a minute?" in asked.err
    assert ["WORKER_KILLED", "1"] in [line.split()[:2] for line in asked.err.splitlines()]
    assert f"Left out: 2 jobs, video_is_ready. The first is {rows[0]['id']}: video {VIDEO_ID} is READY" in asked.err
    api.on(path(rows[1]), job(id=NEW_ID), status=202)
    ended = run("jobs", "resubmit", "--failed", "--yes")
    assert (ended.code, "Resubmitted 1 job; 0 refused." in ended.err) == (0, True)
    api.on("GET /jobs/failed", {"items": rows[2:], "next_cursor": None})
    none = run("jobs", "resubmit", "--failed")
    assert (none.code, none.err.splitlines()[-1]) == (0, "No such jobs.")
    assert "Left out: 1 job, video_is_ready" in none.err


@pytest.mark.usefixtures("pauses")
def test_what_is_refused_is_told_with_why_and_the_others_go_on(run: Run, api: ScriptedApi):
    rows = [failed(n) for n in (1, 2, 3)]
    api.on("GET /jobs/failed", {"items": rows, "next_cursor": None})
    api.on(path(rows[0]), LIVE)
    api.on(path(rows[1]), (409, {"reason": "video_is_ready", "detail": f"video {VIDEO_ID} is READY"}))
    api.on(path(rows[2]), job(id=NEW_ID), status=202)
    ended = run("jobs", "resubmit", "--failed", "--yes", "--json")
    assert ended.code == 4
    said = json.loads(ended.out)
    assert said["resubmitted"] == [{"id": rows[2]["id"], "new_id": NEW_ID}]
    assert [(r["id"], r["reason"]) for r in said["refused"]] == [
        (rows[0]["id"], "job_is_live"), (rows[1]["id"], "video_is_ready"),
    ]  # fmt: skip


@pytest.mark.usefixtures("pauses")
def test_an_answer_that_was_lost_is_not_told_as_a_refusal(run: Run, api: ScriptedApi):
    row = failed(1)
    api.on("GET /jobs/failed", {"items": [row], "next_cursor": None})
    api.on(path(row), BUSY, LIVE)
    ended = run("jobs", "resubmit", "--failed", "--yes", "--json")
    assert (ended.code, json.loads(ended.out)) == (
        0,
        {"resubmitted": [{"id": row["id"], "new_id": None}], "refused": []},
    )


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (Unavailable("api_unreachable"), 5)])
def test_a_run_that_is_broken_off_says_what_is_done_and_how_to_go_on(
    run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
):
    rows = [failed(n) for n in (1, 2, 3)]
    api.on("GET /jobs/failed", {"items": rows, "next_cursor": None})
    api.on(path(rows[0]), job(id=NEW_ID), status=202)
    real = resubmitting._resubmit

    def broken(client: Any, row: Any) -> Any:
        if row["id"] == rows[1]["id"]:
            raise error
        return real(client, row)

    monkeypatch.setattr(resubmitting, "_resubmit", broken)
    ended = run("jobs", "resubmit", "--failed", "--yes", "--reason", "WORKER_KILLED", "--per-minute", "600")
    assert ended.code == code
    assert "Broken off: 1 of 3 resubmitted, 0 refused." in ended.err
    (command,) = (line for line in ended.err.splitlines() if line.startswith("  academy"))

    # The command that it tells chooses by the same two moments, whenever it is given.
    api.seen.clear()
    monkeypatch.setattr(resubmitting, "_resubmit", real)
    api.on("GET /jobs/failed", {"items": rows[1:], "next_cursor": None})
    for row in rows[1:]:
        api.on(path(row), job(id=NEW_ID), status=202)
    assert run(*shlex.split(command)[1:], "--yes").code == 0
    query = api.calls("GET /jobs/failed")[0].query
    assert query["reason"] == "WORKER_KILLED"
    assert query["ended_since"] in command
    assert query["ended_until"] in command


def test_resubmit_takes_one_job_or_many_and_no_failed_jobs_are_no_error(run: Run, api: ScriptedApi):
    assert run("jobs", "resubmit").code == 2
    assert run("jobs", "resubmit", "5d1e77c0", "--failed").code == 2
    api.on("GET /jobs/failed", {"items": [], "next_cursor": None})
    ended = run("jobs", "resubmit", "--failed", "--since", "2026-03-02T09:00Z")
    assert (ended.code, ended.err) == (0, "No such jobs.\n")
    refused = run("jobs", "resubmit", "--failed", "--since", "yesterday")
    assert (refused.code, "'yesterday'" in refused.err) == (2, True)


def test_moments_are_ago_or_a_time():
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert moment("90m", now=now) == datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    assert moment("1d", now=now) == now - timedelta(days=1)
    assert moment("2026-03-01 09:00", now=now) == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert moment("2026-03-01T09:00+09:00", now=now) == datetime(2026, 3, 1, 0, tzinfo=UTC)
    for text in ("", "1", "d", "-1d", "1 day", "999999w", "2026-13-01"):
        with pytest.raises(Invalid, match="moment_invalid"):
            moment(text, now=now)
