import io
import json
from typing import Any

import pytest

from cli import output
from tests.cli.conftest import Run
from tests.cli.scripted_api import JOB_ID, VIDEO_ID, ScriptedApi, job, video

NEW_ID = "77777777-0000-4000-8000-000000000002"


class Clock:
    """Stands where the module `time` does: pauses take no time, and are told by the clock all the same."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.job_log.time", Clock())


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def test_inspect_shows_row_attempts_steps_outcome_spec_and_the_executors_report(run: Run, api: ScriptedApi):
    api.on(f"GET /jobs/{JOB_ID}", job(state="failed", reason="DISK_FULL", detail="no room in /scratch [1]"))
    out = run("jobs", "inspect", JOB_ID).out
    for shown in (
        JOB_ID,
        VIDEO_ID,
        "DISK_FULL (The worker has no room for this video.) no room in /scratch [1]",
        "1:05",  # how long the job took
        "TERMINATED",
        "40.2 s",
        "41.8 s",  # all steps
        "Essential container exited",
        "segment_s",
        "libx264",
        "720p",
    ):
        assert shown in out


def test_json_is_the_apis_own_answer_and_nothing_else(run: Run, api: ScriptedApi):
    api.on(f"GET /jobs/{JOB_ID}", job())
    api.on("GET /jobs", {"items": [job()]})
    api.on(f"GET /jobs/{JOB_ID}/logs", {"attempt": 2, "lines": ["a"]})
    assert json.loads(run("jobs", "inspect", JOB_ID, "--json").out) == job()
    assert json.loads(run("jobs", "list", "--json").out) == [job()]
    assert json.loads(run("jobs", "logs", JOB_ID, "--json").out) == {"attempt": 2, "lines": ["a"]}


@pytest.mark.parametrize("reason", ["WORKER_KILLED", "CONTROL_PLANE_UNAVAILABLE"])
def test_a_list_fits_80_columns_with_ids_and_reasons_whole(
    run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, reason: str
):
    monkeypatch.setattr(output.RESULTS, "width", 80)
    row = job(state="succeeded", reason=reason, attempt=10, ended_at="2026-01-02T05:07:09+00:00")
    api.on("GET /jobs", {"items": [row]})
    heading, _, *lines = run("jobs", "list").out.splitlines()
    assert max(map(len, (heading, *lines))) <= 80
    assert lines[0].split()[:4] == ["5d1e77c0", "transcode", VIDEO_ID[:8], "succeeded"]
    assert "".join(line[heading.index("Reason") :].strip() for line in lines) == reason


def test_inspect_shows_the_parts_that_were_not_made(run: Run, api: ScriptedApi):
    made = {"part": 0, "attempt": 1, "started_at": "2026-01-02T03:04:05+00:00", "ended_at": "2026-01-02T03:05:05+00:00"}
    made |= {"ending": "succeeded", "reason": None, "detail": ""}
    broken = made | {"part": 7, "ending": "retry", "reason": "WORKER_KILLED", "detail": "exit 137"}
    api.on(f"GET /jobs/{JOB_ID}", job(parts=[broken, made]))
    out = run("jobs", "inspect", JOB_ID).out
    assert "Parts: 1 made" in out
    shown = [line.split() for line in out.partition("Parts: 1 made")[2].partition("Renditions")[0].splitlines()]
    assert [(words[0], words[-3]) for words in shown if words and words[0].isdigit()] == [("7", "WORKER_KILLED")]


@pytest.mark.parametrize("start", ["5d1e", "5D1E77C0", "5d1e77c0-0000"])
def test_the_api_is_asked_for_the_first_characters_of_an_id(run: Run, api: ScriptedApi, start: str):
    api.on("GET /jobs", {"items": [job()]})
    api.on(f"GET /jobs/{JOB_ID}", job())
    assert json.loads(run("jobs", "inspect", start, "--json").out) == job()
    assert api.seen[0].query["id_start"] == start.lower().replace("-", "")


@pytest.mark.parametrize(("start", "code"), [("5d1", 2), ("nope", 3), ("5d1e77c1", 3), ("5d1e", 2)])
def test_what_is_no_ones_or_several_ones_first_characters_says_so(run: Run, api: ScriptedApi, start: str, code: int):
    api.on("GET /jobs", {"items": [job(), job(id=JOB_ID.replace("77c0", "77c2"))]})
    ended = run("jobs", "inspect", start)
    assert (ended.code, repr(start) in ended.err) == (code, True), ended.err


def test_list_hands_its_filters_on(run: Run, api: ScriptedApi):
    api.on("GET /jobs", {"items": [job()]})
    out = run("jobs", "list", "--state", "failed", "--kind", "transcode").out
    assert api.seen[0].query == {"state": "failed", "kind": "transcode", "limit": "50"}
    assert "5d1e77c0" in out
    assert "1:05" in out


VIDEO_PLAYS = (409, {"reason": "video_is_ready", "detail": "send force"})
BATCH_IS_READ = (409, {"reason": "batch_is_ready", "detail": "send force"})
SHEETS = job(kind="omr", asset_id="b47c0000-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    ("row", "refusal", "said"),
    [(job(), VIDEO_PLAYS, "'Algebra [3]' plays already"), (SHEETS, BATCH_IS_READ, "batch b47c0000 are read already")],
    ids=["a video", "answer sheets"],
)
def test_a_result_is_not_replaced_without_being_asked_for(
    run: Run, api: ScriptedApi, row: dict[str, Any], refusal: Any, said: str
):
    api.on(f"GET /jobs/{JOB_ID}", row)
    api.on(f"GET /media/videos/{VIDEO_ID}", video())
    api.on(f"POST /jobs/{JOB_ID}/resubmit", refusal)
    ended = run("jobs", "resubmit", JOB_ID)
    assert ended.code == 4
    assert said in ended.err
    assert "--force" in ended.err
    assert [call.json for call in api.calls(f"POST /jobs/{JOB_ID}/resubmit")] == [{"force": False}]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 4), ("", 4)])
def test_a_person_is_asked_before_a_video_that_plays_is_replaced(
    run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
):
    api.on(f"GET /jobs/{JOB_ID}", job())
    api.on(f"GET /media/videos/{VIDEO_ID}", video())
    api.on(f"POST /jobs/{JOB_ID}/resubmit", VIDEO_PLAYS, (202, job(id=NEW_ID)))
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    ended = run("jobs", "resubmit", JOB_ID, "--json")
    assert ended.code == code
    assert "'Algebra [3]' plays already" in ended.err
    submitted = code == 0
    assert json.loads(ended.out or "null") == (job(id=NEW_ID) if submitted else None)
    forced = [call.json["force"] for call in api.calls(f"POST /jobs/{JOB_ID}/resubmit")]
    assert forced == [False, True][: 1 + submitted]


def test_force_replaces_without_asking(run: Run, api: ScriptedApi):
    api.on(f"GET /jobs/{JOB_ID}", job())
    api.on(f"POST /jobs/{JOB_ID}/resubmit", job(id=NEW_ID), status=202)
    ended = run("jobs", "resubmit", JOB_ID, "--force")
    assert ended.code == 0
    assert NEW_ID in ended.err
    assert api.calls(f"POST /jobs/{JOB_ID}/resubmit")[0].json == {"force": True}


def test_what_failed_is_repeated_without_a_question_and_without_force(run: Run, api: ScriptedApi):
    api.on(f"POST /jobs/{JOB_ID}/resubmit", job(id=NEW_ID), status=202)
    assert run("jobs", "resubmit", JOB_ID).code == 0
    assert api.calls(f"POST /jobs/{JOB_ID}/resubmit")[0].json == {"force": False}


def test_a_second_live_job_is_refused_in_the_apis_words(run: Run, api: ScriptedApi):
    api.on(f"GET /jobs/{JOB_ID}", job())
    refusal = {"reason": "job_is_live", "detail": f"job {NEW_ID} is running"}
    api.on(f"POST /jobs/{JOB_ID}/resubmit", refusal, status=409)
    ended = run("jobs", "resubmit", JOB_ID, "--force")
    assert ended.code == 4
    assert f"job {NEW_ID} is running" in ended.err
    assert "job_is_live" in ended.err


def test_cancel_stops_a_job_and_is_refused_for_one_that_has_ended(run: Run, api: ScriptedApi):
    refusal = (409, {"reason": "job_has_ended", "detail": ""})
    api.on(f"POST /jobs/{JOB_ID}/cancel", job(state="failed", reason="CANCELLED"), refusal)
    assert run("jobs", "cancel", JOB_ID).code == 0
    ended = run("jobs", "cancel", JOB_ID)
    assert ended.code == 4
    assert "job_has_ended" in ended.err


def test_logs_prints_the_lines_as_they_are(run: Run, api: ScriptedApi):
    api.on(f"GET /jobs/{JOB_ID}/logs", {"attempt": 1, "lines": ["[bold]one[/bold]", "x" * 300]})
    ended = run("jobs", "logs", JOB_ID, "--attempt", "1", "--tail", "20")
    assert ended.out == "[bold]one[/bold]\n" + "x" * 300 + "\n"
    assert api.seen[-1].query == {"attempt": "1", "tail": "20"}
    assert run("jobs", "logs", JOB_ID, "--follow", "--json").code == 2


def test_follow_prints_each_line_once_over_a_sliding_log_and_over_attempts(run: Run, api: ScriptedApi):
    api.on(f"GET /jobs/{JOB_ID}", *[job(state="running")] * 5, job(state="succeeded"))
    api.on(
        f"GET /jobs/{JOB_ID}/logs",
        (404, {"reason": "log_not_found", "detail": ""}),
        {"attempt": 1, "lines": ["a", "b"]},
        {"attempt": 1, "lines": ["a", "b", "c"]},
        {"attempt": 1, "lines": ["b", "c", "d"]},
        {"attempt": 2, "lines": ["e"]},
        {"attempt": 2, "lines": ["e", "f"]},
    )
    ended = run("jobs", "logs", JOB_ID, "--follow")
    assert ended.code == 0
    assert ended.out.splitlines() == ["a", "b", "c", "d", "e", "f"]


def test_follow_waits_for_the_last_lines_which_come_after_the_job_has_ended(run: Run, api: ScriptedApi):
    api.on(f"GET /jobs/{JOB_ID}", job(state="failed"))
    api.on(
        f"GET /jobs/{JOB_ID}/logs",
        (404, {"reason": "log_not_found", "detail": ""}),
        {"attempt": 1, "lines": ["a"]},
        {"attempt": 1, "lines": ["a", "why it failed"]},
    )
    assert run("jobs", "logs", JOB_ID, "--follow").out.splitlines() == ["a", "why it failed"]


def test_follow_ends_with_an_error_where_there_never_was_a_log(run: Run, api: ScriptedApi):
    api.on(f"GET /jobs/{JOB_ID}", job(state="failed"))
    api.on(f"GET /jobs/{JOB_ID}/logs", (404, {"reason": "log_not_found", "detail": "no log"}))
    assert run("jobs", "logs", JOB_ID, "--follow").code == 3
