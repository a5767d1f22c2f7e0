import socket
from pathlib import Path

import jwt
import pytest

from cli.connection import find_connection
from pipeline.embedded.stack_file import write_stack_file
from pipeline.retrying import Patience
from tests.cli.conftest import Run
from tests.cli.scripted_api import VIDEO_ID, ScriptedApi, video

ONCE = Patience(attempts=1, total_s=1.0)
SECRET = "a secret of the stack that is long enough"


@pytest.fixture
def stack(tmp_path: Path, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> ScriptedApi:
    """As if `academy up` ran on this machine and no address were set."""
    monkeypatch.delenv("API_URL")
    monkeypatch.delenv("API_TOKEN")
    monkeypatch.setenv("ACADEMY_DATA", str(tmp_path))
    write_stack_file(tmp_path, api_url=api.url, jwt_secret=SECRET)
    return api


def test_the_settings_name_the_api_and_the_token(run: Run, api: ScriptedApi):
    api.on("GET /media/videos", {"items": []})
    assert run("videos", "list").code == 0
    assert api.seen[0].headers["authorization"] == "Bearer the-token"


def test_without_settings_the_stack_of_this_machine_is_asked_with_a_token_of_its_own(run: Run, stack: ScriptedApi):
    stack.on("GET /media/videos", {"items": []})
    assert run("videos", "list").code == 0
    token = stack.seen[0].headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["exp"]})
    assert (claims["tenant_id"], claims["role"]) == ("demo", "operator")


def test_a_link_to_the_player_has_a_token_that_may_only_read(run: Run, stack: ScriptedApi):
    stack.on(f"GET /media/videos/{VIDEO_ID}", video())
    token = run("videos", "show", VIDEO_ID).out.partition("#token=")[2].split()[0]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert (claims["tenant_id"], claims["role"]) == ("demo", "viewer")


def test_tenant_says_whose(run: Run, stack: ScriptedApi):
    stack.on("GET /media/videos", {"items": []})
    run("videos", "list", "--tenant", "hagwon-1")
    token = stack.seen[0].headers["authorization"].removeprefix("Bearer ")
    assert jwt.decode(token, SECRET, algorithms=["HS256"])["tenant_id"] == "hagwon-1"


def test_a_token_that_is_not_taken_says_so_in_a_sentence(run: Run, api: ScriptedApi):
    api.on("GET /jobs", (401, {"reason": "token_malformed", "detail": "Not enough segments"}))
    ended = run("jobs", "list")
    assert (ended.code, "does not take this token" in ended.err) == (1, True)


def test_where_there_is_nothing_it_says_whose_nothing(run: Run, stack: ScriptedApi):
    stack.on("GET /jobs/stuck", {"items": []})
    stack.on("GET /jobs", {"items": []})
    assert run("jobs", "stuck", "--tenant", "hagwon-1").err == "No job of tenant hagwon-1 waits.\n"
    assert run("jobs", "list").err == "No such jobs of tenant demo.\n"


def test_a_tenant_that_cannot_stand_in_a_key_is_a_usage_error(run: Run, stack: ScriptedApi):
    ended = run("videos", "list", "--tenant", "a/b")
    assert ended.code == 2
    assert "a/b" in ended.err


def test_where_no_stack_runs_the_command_that_starts_one_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("API_URL", raising=False)
    monkeypatch.setenv("ACADEMY_DATA", str(tmp_path))
    ended = run("videos", "list")
    assert ended.code == 5
    assert "academy up" in ended.err
    assert ended.out == ""


def test_an_api_that_does_not_answer_is_exit_code_5(run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cli.api.READING", ONCE)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("API_URL", address)
    ended = run("videos", "show", VIDEO_ID)
    assert ended.code == 5
    assert address in ended.err


def test_an_api_that_restarts_is_asked_again(run: Run, api: ScriptedApi):
    api.on(f"GET /media/videos/{VIDEO_ID}", (503, {"reason": "database_unavailable"}), video())
    assert run("videos", "show", VIDEO_ID).code == 0


def test_what_changes_something_is_not_sent_twice(run: Run, api: ScriptedApi):
    api.on(f"POST /media/videos/{VIDEO_ID}/retry", (503, {"reason": "database_unavailable"}), video())
    assert run("videos", "retry", VIDEO_ID).code == 5
    assert len(api.calls(f"POST /media/videos/{VIDEO_ID}/retry")) == 1


def test_an_answer_that_is_not_json_is_not_taken_for_this_api(
    run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cli.api.READING", ONCE)
    api.on(f"GET /media/videos/{VIDEO_ID}", b"<html>hello</html>")
    ended = run("videos", "show", VIDEO_ID)
    assert ended.code == 5
    assert "JSON" in ended.err


def test_the_token_stays_out_of_what_is_printed_about_a_connection(stack: ScriptedApi):
    connection = find_connection()
    assert connection.token not in repr(connection)


def test_api_url_without_a_token_says_what_is_missing(run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("API_TOKEN")
    ended = run("videos", "list")
    assert ended.code == 2
    assert "API_TOKEN" in ended.err


@pytest.mark.parametrize(
    ("status", "code"), [(401, 1), (403, 1), (404, 3), (409, 4), (422, 2), (500, 5), (503, 5), (418, 1)]
)
def test_each_refusal_has_its_exit_code_and_its_words(
    run: Run, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, status: int, code: int
):
    monkeypatch.setattr("cli.api.READING", ONCE)
    api.on(f"GET /media/videos/{VIDEO_ID}", (status, {"reason": "some_reason", "detail": "value 7 is wrong"}))
    ended = run("videos", "show", VIDEO_ID, "--json")
    assert ended.code == code
    assert "value 7 is wrong" in ended.err
    assert "some_reason" in ended.err
    assert ended.out == ""
