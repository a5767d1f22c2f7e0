import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.retrying import Patience
from tests.cli.conftest import Run
from tests.cli.scripted_api import VIDEO_ID, ScriptedApi, video

OTHER_ID = "3f9c2a1b-ffff-4000-8000-000000000002"


@pytest.fixture(autouse=True)
def _poll_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.following.POLL_S", 0.0)


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    path = tmp_path / "Algebra 3.mov"
    path.write_bytes(bytes(range(256)) * 40)
    return path


def accept_upload(api: ScriptedApi, upload: dict[str, Any] | None = None) -> None:
    put = {"url": f"{api.url}/put", "headers": {"Content-Type": "video/quicktime", "If-None-Match": "*"}}
    api.on("POST /media/videos/upload/init", video(status="PENDING", upload=upload or put), status=201)
    api.on("PUT /put", b"")
    api.on(f"POST /media/videos/{VIDEO_ID}/upload/complete", video(status="UPLOADED", job_id="j"))


def progress(status: str, **more: Any) -> dict[str, Any]:
    return {"id": VIDEO_ID, "status": status, "encoding_progress": 0} | more


def step(index: int, name: str, percent: int, remaining: int | None = None) -> dict[str, Any]:
    return progress(
        "PROCESSING",
        encoding_progress=percent,
        encoding_step_index=index,
        encoding_step_total=7,
        encoding_step_name=name,
        encoding_remaining_seconds=remaining,
    )


def test_an_upload_is_what_a_browser_does(run: Run, api: ScriptedApi, lecture: Path):
    accept_upload(api)
    api.on(f"GET /media/videos/{VIDEO_ID}/progress", step(4, "transcoding", 40), progress("READY"))
    api.on(f"GET /media/videos/{VIDEO_ID}", video())
    ended = run("videos", "upload", str(lecture), "--session", "s-1", "--no-skip", "--max-speed", "1.5")
    assert ended.code == 0
    assert api.seen[0].json == {
        "session": "s-1",
        "title": "Algebra 3",
        "filename": "Algebra 3.mov",
        "content_type": "video/quicktime",
        "size": 10240,
        "allow_skip": False,
        "max_speed": 1.5,
        "show_watermark": False,
    }
    put = api.calls("PUT /put")[0]
    assert put.body == lecture.read_bytes()
    assert put.headers["content-length"] == "10240"
    assert put.headers["content-type"] == "video/quicktime"
    assert put.headers["if-none-match"] == "*"
    assert "authorization" not in put.headers, "the token is not for the object store"


def test_a_loudness_is_asked_for_where_it_is_given(run: Run, api: ScriptedApi, lecture: Path):
    accept_upload(api)
    assert run("videos", "upload", str(lecture), "--no-wait", "--loudness", "-16").code == 0
    assert api.seen[0].json["loudness_lufs"] == -16.0
    assert run("videos", "upload", str(lecture), "--no-wait", "--loudness", "3").code == 2


def test_a_large_file_goes_up_in_parts_and_the_parts_are_named(run: Run, api: ScriptedApi, lecture: Path):
    parts: list[dict[str, Any]] = [{"number": n, "url": f"{api.url}/part/{n}", "headers": {}} for n in (1, 2, 3)]
    accept_upload(api, {"part_bytes": 4096, "parts": parts})
    for number in (1, 2, 3):
        api.on(f"PUT /part/{number}", b"")
    assert run("videos", "upload", str(lecture), "--no-wait").code == 0
    bodies = [api.calls(f"PUT /part/{n}")[0].body for n in (1, 2, 3)]
    assert [len(body) for body in bodies] == [4096, 4096, 2048]
    assert b"".join(bodies) == lecture.read_bytes()
    complete = api.calls(f"POST /media/videos/{VIDEO_ID}/upload/complete")[0]
    assert complete.json == {"parts": [{"number": n, "etag": "etag-of-it"} for n in (1, 2, 3)]}


def test_a_part_that_breaks_off_is_sent_again(
    run: Run, api: ScriptedApi, lecture: Path, monkeypatch: pytest.MonkeyPatch
):
    accept_upload(api, {"part_bytes": 20_000, "parts": [{"number": 1, "url": f"{api.url}/part/1", "headers": {}}]})
    api.on("PUT /part/1", (503, b"slow down"), b"")
    assert run("videos", "upload", str(lecture), "--no-wait").code == 0
    assert [r.body for r in api.calls("PUT /part/1")] == [lecture.read_bytes()] * 2


def test_a_netrc_file_changes_no_credentials(
    run: Run, api: ScriptedApi, lecture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    accept_upload(api)
    assert run("videos", "upload", str(lecture), "--no-wait").code == 0
    assert "authorization" not in api.calls("PUT /put")[0].headers
    assert {r.headers["authorization"] for r in api.seen if r.method == "POST"} == {"Bearer the-token"}


def test_completing_is_asked_for_again_where_the_api_is_away(run: Run, api: ScriptedApi, lecture: Path):
    accept_upload(api)
    complete = f"POST /media/videos/{VIDEO_ID}/upload/complete"
    api.on(complete, (503, {"reason": "storage_unavailable"}), video(status="UPLOADED"))
    assert run("videos", "upload", str(lecture), "--no-wait").code == 0
    assert len(api.calls(complete)) == 2


def test_a_refused_upload_is_said_in_a_sentence_with_its_reason(run: Run, api: ScriptedApi, lecture: Path):
    accept_upload(api)
    refusal = {"reason": "source_invalid:NOT_MEDIA", "detail": "no known container"}
    api.on(f"POST /media/videos/{VIDEO_ID}/upload/complete", refusal, status=409)
    ended = run("videos", "upload", str(lecture), "--json")
    assert ended.code == 4
    assert "This file is not a video." in ended.err
    assert "source_invalid:NOT_MEDIA: no known container" in ended.err
    assert ended.out == ""


@pytest.mark.parametrize("content", [None, b""])
def test_a_file_that_is_not_there_or_empty_is_a_usage_error(run: Run, api: ScriptedApi, tmp_path: Path, content: Any):
    path = tmp_path / "lecture.mp4"
    if content is not None:
        path.write_bytes(content)
    ended = run("videos", "upload", str(path))
    assert ended.code == 2
    assert str(path) in ended.err
    assert not api.seen


def test_watch_says_each_step_and_ten_percent_once(run: Run, api: ScriptedApi):
    api.on(
        f"GET /media/videos/{VIDEO_ID}/progress",
        progress("UPLOADED"),
        step(4, "transcoding", 31, 95),
        step(4, "transcoding", 32, 94),
        step(4, "transcoding", 44, 50),
        progress("READY", encoding_progress=100),
    )
    api.on(f"GET /media/videos/{VIDEO_ID}", video(status="UPLOADED"), video())
    ended = run("videos", "watch", VIDEO_ID)
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "  0 %  Waiting for a worker",
        " 31 %  4/7 Transcoding  about 2 min left",
        " 44 %  4/7 Transcoding  about 50 s left",
    ]


def test_watch_exits_1_with_the_reason_and_its_sentence_when_the_work_fails(run: Run, api: ScriptedApi):
    api.on(f"GET /media/videos/{VIDEO_ID}/progress", progress("FAILED", error_reason="TRUNCATED"))
    api.on(f"GET /media/videos/{VIDEO_ID}", video(status="FAILED", error_reason="TRUNCATED", renditions=None))
    ended = run("videos", "watch", VIDEO_ID)
    assert ended.code == 1
    assert "FAILED: TRUNCATED (The file is cut off; upload it again.)" in ended.err


def test_watch_ends_where_the_upload_was_refused(run: Run, api: ScriptedApi):
    api.on(f"GET /media/videos/{VIDEO_ID}/progress", progress("PENDING"))
    api.on(f"GET /media/videos/{VIDEO_ID}", video(status="PENDING", error_reason="duration_too_short:1.2"))
    ended = run("videos", "watch", VIDEO_ID)
    assert ended.code == 1
    assert "duration_too_short:1.2 (The video is too short.)" in ended.err


def test_watch_gives_up_after_its_timeout_and_says_that_the_work_goes_on(run: Run, api: ScriptedApi):
    api.on(f"GET /media/videos/{VIDEO_ID}/progress", progress("PROCESSING"))
    api.on(f"GET /media/videos/{VIDEO_ID}", video(status="PROCESSING"))
    ended = run("videos", "watch", VIDEO_ID, "--timeout", "1")
    assert ended.code == 5
    assert "it goes on" in ended.err


def test_watch_outlives_an_api_that_is_away_for_a_moment(run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cli.api.READING", Patience(attempts=1, total_s=1.0))
    away = (503, {"reason": "x"})
    api.on(f"GET /media/videos/{VIDEO_ID}/progress", step(4, "transcoding", 10), away, away, progress("READY"))
    api.on(f"GET /media/videos/{VIDEO_ID}", video())
    assert run("videos", "watch", VIDEO_ID).code == 0


def test_json_is_the_apis_own_answer_and_nothing_else(run: Run, api: ScriptedApi):
    row = video(title="삼각함수", a_field_of_tomorrow=[1])
    api.on("GET /media/videos", {"items": [row], "next_cursor": None})
    api.on(f"GET /media/videos/{VIDEO_ID}", row)
    api.on(f"GET /media/videos/{VIDEO_ID}/progress", progress("READY"))
    assert json.loads(run("videos", "list", "--json").out) == [row]
    assert json.loads(run("videos", "show", VIDEO_ID, "--json").out) == row
    assert json.loads(run("videos", "watch", VIDEO_ID, "--json").out) == row


def test_list_hands_its_filters_on(run: Run, api: ScriptedApi):
    api.on("GET /media/videos", {"items": []})
    run("videos", "list", "--status", "failed", "--session", "s-1", "--title", "alg", "--limit", "7")
    assert api.seen[0].query == {"status": "FAILED", "session": "s-1", "title": "alg", "limit": "7"}


def test_a_table_shows_what_the_title_says_and_not_what_it_would_mean_as_markup(run: Run, api: ScriptedApi):
    api.on("GET /media/videos", {"items": [video(title="[red]Algebra[/red] [3]")]})
    out = run("videos", "list").out
    assert "[red]Algebra[/red] [3]" in out
    assert "3f9c2a1b" in out
    assert "1:01" in out


def test_show_has_the_renditions_and_the_players_address(run: Run, api: ScriptedApi):
    api.on(f"GET /media/videos/{VIDEO_ID}", video())
    out = run("videos", "show", VIDEO_ID).out
    assert "1280\N{MULTIPLICATION SIGN}720" in out
    assert "1.62 Mbit/s" in out
    assert "12.3 MB" in out
    assert f"{api.url}/watch/{VIDEO_ID}#token=$API_TOKEN\n" in out
    assert "the-token" not in out


def test_the_first_characters_of_an_id_are_enough_where_they_name_one_video(run: Run, api: ScriptedApi):
    api.on("GET /media/videos", {"items": [video(), video(id=OTHER_ID)]})
    api.on(f"GET /media/videos/{VIDEO_ID}", video())
    assert run("videos", "show", "3F9C2A1B-0").code == 0
    ambiguous = run("videos", "show", "3f9c2a1b")
    assert ambiguous.code == 2
    assert VIDEO_ID in ambiguous.err
    assert OTHER_ID in ambiguous.err
    assert run("videos", "show", "abcdef").code == 3
    assert run("videos", "show", "3f9").code == 2


def test_retry_starts_the_work_again_and_follows_it(run: Run, api: ScriptedApi):
    api.on(f"POST /media/videos/{VIDEO_ID}/retry", video(status="UPLOADED"), status=202)
    api.on(f"GET /media/videos/{VIDEO_ID}/progress", progress("READY"))
    api.on(f"GET /media/videos/{VIDEO_ID}", video())
    assert run("videos", "retry", VIDEO_ID).code == 0
    assert len(api.calls(f"POST /media/videos/{VIDEO_ID}/retry")) == 1
