"""The player page in a real browser, on a real stack, with a stream that the job made."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.api import Api, NewVideo
from cli.connection import Connection
from control_plane.watch.routes import PACKAGES
from pipeline.errors import Conflict
from tests.browser.chromium import CHROMIUM, DRIVER, Browser, open_browser
from tests.fixtures.running_stack import RunningStack

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no chromium and chromedriver on this machine"),
    pytest.mark.skipif(not PACKAGES.is_dir(), reason="no npm packages: run `npm ci` in control_plane/watch"),
]

STATE = """
const video = document.getElementById("video"), stage = document.getElementById("stage");
return {
  time: video.currentTime, paused: video.paused, height: video.videoHeight, rate: video.playbackRate,
  engine: stage.dataset.engine ?? null, level: stage.dataset.level ?? null,
  notice: document.getElementById("notice").hidden ? null : document.getElementById("notice").innerText,
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        browser.resize(1280, 900)
        yield browser


@pytest.fixture
def player(browser: Browser, running_stack: RunningStack) -> Browser:
    """The page of the lecture, playing."""
    browser.open(page_of(running_stack, running_stack.lecture["id"], running_stack.token))
    browser.wait("return document.getElementById('video').readyState >= 2", "the video has a picture")
    browser.run("document.getElementById('video').play()")
    return browser


def page_of(stack: RunningStack, video_id: str, token: str) -> str:
    return f"{stack.api_url}/watch/{video_id}#token={token}"


def state_when(browser: Browser, condition: str, what: str) -> dict[str, object]:
    """The player's state once the JavaScript expression `condition` over it holds."""
    body = f"const s = (() => {{{STATE}}})(); if (s.notice) throw new Error(s.notice); return ({condition}) ? s : null;"
    state: dict[str, object] = browser.wait(body, what)
    return state


def choose(browser: Browser, menu: str, value: str) -> None:
    browser.run(
        "const menu = document.getElementById(arguments[0]); menu.value = arguments[1];"
        "menu.dispatchEvent(new Event('change'));",
        menu,
        value,
    )


def test_a_ready_video_plays_and_nothing_is_refused_or_broken(player: Browser):
    state_when(player, "s.time > 0.5 && s.height > 0", "time goes on")
    assert player.console() == []


def test_each_quality_can_be_chosen_and_plays_on_from_where_it_was(player: Browser):
    before = state_when(player, "s.time > 0.3", "time goes on")
    for level, height in enumerate((240, 360, 480, 720)):
        choose(player, "quality", str(level))
        after = state_when(
            player,
            f"s.engine === 'hls.js' && s.level === '{level}' && s.height === {height} && s.time > {before['time']}",
            f"{height} lines play on",
        )
        before = after
    choose(player, "quality", "-1")
    state_when(player, f"s.time > {before['time']}", "the automatic quality plays on")
    label = player.run("return document.getElementById('quality').selectedOptions[0].text")
    assert label == "Auto (720p)"
    assert player.console() == []


@pytest.mark.parametrize("engine", ["native", "hls.js"])
def test_seeking_forth_and_back_plays_on_from_there(player: Browser, engine: str):
    if engine == "hls.js":
        choose(player, "quality", "0")
        state_when(player, "s.engine === 'hls.js' && s.height === 240", "hls.js plays")
    for target in (8.0, 1.0, 5.5):
        player.run("document.getElementById('video').currentTime = arguments[0]", target)
        state_when(player, f"s.time > {target} && s.time < {target} + 4", f"plays on from {target}")
    assert player.console() == []


def test_the_keyboard_plays_seeks_and_changes_the_speed(player: Browser):
    state_when(player, "s.time > 0.3", "time goes on")
    player.press("k")
    paused = state_when(player, "s.paused", "k pauses")
    player.press("ArrowRight")
    state_when(player, f"s.time > {paused['time']} + 4", "the arrow seeks")
    player.press(">")
    assert state_when(player, "s.rate === 1.25", "> is faster")
    player.press("<")
    assert state_when(player, "s.rate === 1", "< is slower")


def test_no_playback_is_faster_than_the_video_allows(player: Browser):
    player.run("document.getElementById('video').playbackRate = 4")
    state_when(player, "s.rate === 2", "the speed falls back to the allowed one")
    offered = player.run("return [...document.getElementById('speed').options].map((option) => Number(option.value))")
    assert max(offered) == 2


def test_a_viewer_who_may_not_skip_is_put_back_and_is_named_on_the_picture(
    browser: Browser, running_stack: RunningStack
):
    browser.open(f"{running_stack.api_url}/watch/{running_stack.lecture['id']}")
    row = running_stack.lecture | {"allow_skip": False, "max_speed": 1.25, "show_watermark": True}
    browser.run(
        "document.getElementById('notice').hidden = true;"
        "return import('/static/player.js')"
        ".then((page) => page.openPlayer({row: arguments[0], viewer: 'kim.minji', whenBroken: () => {}}))",
        row,
    )
    browser.wait("return document.getElementById('video').readyState >= 2", "the video has a picture")
    browser.run("const v = document.getElementById('video'); v.play(); v.currentTime = 8")
    state_when(browser, "s.time > 0.5 && s.time < 4", "it plays from where it was")
    browser.run("document.getElementById('video').playbackRate = 2")
    state_when(browser, "s.rate === 1.25", "the speed falls back to the allowed one")
    assert browser.run("return document.getElementById('watermark').innerText") == "kim.minji"


def test_a_refused_upload_is_explained(browser: Browser, running_stack: RunningStack, tmp_path: Path):
    path = tmp_path / "refused.mp4"
    path.write_text("not a video")
    with Api(Connection(running_stack.api_url, running_stack.token, "the test", remote=False)) as api:
        reply = api.init_upload(NewVideo(path=path, title="A refused upload"))
        with pytest.raises(Conflict):
            api.complete_upload(reply["id"], api.put_source(reply, path, lambda _: None))
    browser.open(page_of(running_stack, reply["id"], running_stack.token))
    browser.wait("return document.getElementById('notice').innerText.includes('This file is not a video.')", "says why")
    assert "source_invalid:NOT_MEDIA" in browser.run("return document.getElementById('notice').innerText")
    assert browser.run("return document.title") == "A refused upload"


def unsigned(claims: dict[str, object]) -> str:
    return ".".join(["e30", urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), "x"])


@pytest.mark.parametrize(
    ("video_id", "token", "said"),
    [
        ("lecture", None, "This link has no access token"),
        ("lecture", unsigned({"user_id": "eve"}), "This link is no longer valid"),
        ("00000000-0000-4000-8000-000000000000", "good", "No such video"),
        ("not-a-video", "good", "No such video"),
    ],
)
def test_a_link_that_does_not_work_says_why(
    browser: Browser, running_stack: RunningStack, video_id: str, token: str | None, said: str
):
    identifier = running_stack.lecture["id"] if video_id == "lecture" else video_id
    address = page_of(running_stack, identifier, running_stack.token if token == "good" else token or "")
    browser.open(address if token else address.partition("#")[0])
    browser.wait(f"return document.getElementById('notice').innerText.includes({json.dumps(said)})", said)
    browser.console()


def test_the_documentation_of_the_api_needs_nothing_from_elsewhere(browser: Browser, running_stack: RunningStack):
    browser.console()
    browser.open(f"{running_stack.api_url}/docs")
    browser.wait("return document.querySelectorAll('.opblock').length > 5", "the calls are listed")
    hosts = browser.run(
        "return [...new Set(performance.getEntriesByType('resource').map((r) => new URL(r.name).origin))]"
    )
    assert hosts == [running_stack.api_url]
    assert browser.console() == []
