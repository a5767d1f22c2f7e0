"""The pages of the browser and their files: what is served, and what they may load."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from control_plane.watch import routes
from pipeline.contracts.transcode import STEPS
from pipeline.reasons import REFUSALS, Reason
from tests.control_plane.plane import Plane

FOLDER = Path(routes.__file__).parent
NEEDS_NPM = pytest.mark.skipif(
    not routes.PACKAGES.is_dir(), reason="no npm packages: run `npm ci` in control_plane/watch"
)


@pytest.fixture
def client(plane: Plane) -> httpx.Client:
    return plane.http


@pytest.mark.parametrize("page", ["/watch/3f9c2a1b", "/docs"])
def test_a_page_is_a_shell_that_needs_no_token(client: httpx.Client, page: str):
    answer = client.get(page)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("page", ["/watch/3f9c2a1b", "/docs"])
def test_a_page_runs_no_inline_script_and_reads_from_nowhere_but_here_and_the_cdn(client: httpx.Client, page: str):
    answer = client.get(page)
    policy = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' http://cdn.test"
    assert policy["media-src"] == "'self' http://cdn.test blob:"
    addresses = re.findall(r'(?:src|href)="([^"]*)"', answer.text)
    assert addresses
    assert all(address.startswith("/static/") for address in addresses)
    assert not re.search(r"<script>|\son\w+=|style=", answer.text)


def test_every_file_that_a_page_or_a_module_names_is_served(client: httpx.Client):
    named = set()
    for path in [*(FOLDER / "pages").iterdir(), *(FOLDER / "static").glob("*.js")]:
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'["\']/static/([\w.-]+)["\']', text))
        named |= set(re.findall(r'from "\./([\w.-]+)"', text))
    assert {"watch.js", "player.js", "hls.min.js", "words.json"} <= named
    for name in named:
        if name in routes.STATIC_FILES and not routes.STATIC_FILES[name].is_file():
            continue  # of npm, and not installed here
        assert client.get(f"/static/{name}").status_code == 200, name


def test_an_unchanged_file_is_not_sent_again(client: httpx.Client):
    first = client.get("/static/watch.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/static/watch.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize("name", ["routes.py", "package.json", "..%2Froutes.py", "%2e%2e/routes.py", "nothing.js"])
def test_nothing_but_the_named_files_is_served(client: httpx.Client, name: str):
    assert client.get(f"/static/{name}").status_code == 404


def test_a_package_that_is_not_installed_is_said_with_its_remedy(client: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(routes.STATIC_FILES, "hls.min.js", FOLDER / "node_modules" / "absent.js")
    answer = client.get("/static/hls.min.js")
    assert answer.status_code == 404
    assert answer.json()["reason"] == "player_not_installed"
    assert "npm ci" in answer.json()["detail"]


def test_the_page_knows_every_step_and_every_reason_in_both_languages(client: httpx.Client):
    words = client.get("/static/words.json").json()
    assert words["steps"].keys() == {step.name for step in STEPS}
    assert words["reasons"].keys() == {*Reason, *REFUSALS}
    assert words["reasons"]["NOT_MEDIA"] == {"en": "This file is not a video.", "ko": "동영상 파일이 아닙니다."}


def test_the_two_languages_of_the_page_say_the_same_things():
    text = (FOLDER / "static" / "words.js").read_text(encoding="utf-8")
    english, korean = text.split("\n  ko: {", 1)
    keys = re.compile(r"^ {4,6}(\w+):", re.MULTILINE)
    assert keys.findall(english) == keys.findall(korean.split("\n};", 1)[0])


def test_the_lock_file_pins_each_package_by_its_hash_and_names_no_registry():
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert {"node_modules/hls.js", "node_modules/swagger-ui-dist"} <= packages.keys()
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name


@NEEDS_NPM
def test_the_installed_player_is_the_one_that_is_pinned():
    pinned = json.loads((FOLDER / "package.json").read_text())["dependencies"]["hls.js"]
    installed = json.loads((routes.PACKAGES / "hls.js" / "package.json").read_text())["version"]
    assert installed == pinned


def test_npm_packages_are_not_committed():
    listed = subprocess.run(["git", "ls-files", "node_modules"], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert listed.stdout == ""
