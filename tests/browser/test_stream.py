"""The stream itself in hls.js, without our page's player: every variant plays, and goes on from wherever it is put."""

from collections.abc import Iterator

import pytest

from control_plane.watch.routes import PACKAGES
from tests.browser.chromium import CHROMIUM, DRIVER, Browser, open_browser
from tests.fixtures.running_stack import RunningStack

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no chromium and chromedriver on this machine"),
    pytest.mark.skipif(not PACKAGES.is_dir(), reason="no npm packages: run `npm ci` in control_plane/watch"),
]

# A wait for data counts as a stall where it interrupts: not before a seek has shown its first picture.
OPEN = """
const [url, level] = arguments;
window.seen?.hls.destroy();
window.seen?.video.remove();
const video = document.createElement("video");
const seen = window.seen = { video, levels: null, errors: [], stalls: 0, goesOn: false };
video.muted = true;
video.addEventListener("seeking", () => { seen.goesOn = false; });
video.addEventListener("timeupdate", () => { seen.goesOn ||= !video.seeking && !video.paused; });
video.addEventListener("waiting", () => { seen.stalls += seen.goesOn && !video.ended ? 1 : 0; });
document.body.append(video);
const hls = seen.hls = new Hls({ enableWorker: false, maxBufferLength: 2, maxMaxBufferLength: 4, startLevel: level });
hls.on(Hls.Events.ERROR, (_, data) => seen.errors.push(`${data.type} ${data.details}`));
hls.on(Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
  seen.levels = levels.map(({ height }) => height);
  hls.currentLevel = level;
});
hls.loadSource(url);
hls.attachMedia(video);
"""
STATE = """
const { video, levels, errors, stalls, hls } = window.seen;
const s = { time: video.currentTime, seeking: video.seeking, paused: video.paused, height: video.videoHeight,
            level: hls.currentLevel, levels, errors, stalls,
            pictures: video.getVideoPlaybackQuality().totalVideoFrames };
"""
SEEKS = (7.0, 1.0, 5.1)


@pytest.fixture(scope="module")
def page(running_stack: RunningStack) -> Iterator[Browser]:
    """An empty page of the same origin, with hls.js."""
    with open_browser() as browser:
        browser.open(f"{running_stack.api_url}/watch/none")
        browser.run(
            "const script = document.createElement('script'); script.src = '/static/hls.min.js';"
            "document.head.append(script);"
        )
        browser.wait("return typeof Hls === 'function'", "hls.js is there")
        yield browser


def state_when(page: Browser, condition: str, what: str) -> dict[str, object]:
    state: dict[str, object] = page.wait(f"{STATE} return s.errors.length || ({condition}) ? s : null;", what)
    assert state["errors"] == [], what
    return state


def play_and_seek(page: Browser) -> dict[str, object]:
    """Play from the beginning and from three other places, each until time has gone on for more than half a second."""
    page.run("window.seen.video.play()")
    state_when(page, "s.time > 0.6", "it plays from the beginning")
    for place in SEEKS:
        page.run("window.seen.video.currentTime = arguments[0]", place)
        state_when(
            page, f"!s.seeking && !s.paused && s.time > {place} + 0.6 && s.time < {place} + 5", f"plays on from {place}"
        )
    page.run("window.seen.video.currentTime = 9")
    return state_when(page, "s.paused && s.time > 9.9", "it ends at its end")


@pytest.mark.parametrize(("level", "height"), [(0, 240), (1, 360), (2, 480), (3, 720)])
def test_a_variant_plays_and_seeks_without_an_error_or_a_stall(
    page: Browser, running_stack: RunningStack, level: int, height: int
):
    page.console()
    page.run(OPEN, running_stack.lecture["hls_url"], level)
    state_when(page, f"s.height === {height}", f"{height} lines are shown")
    state = play_and_seek(page)
    assert state["levels"] == [240, 360, 480, 720]
    assert (state["level"], state["height"], state["stalls"]) == (level, height, 0)
    assert isinstance(state["pictures"], int)
    assert state["pictures"] > 10
    assert page.console() == []


def test_the_sound_alone_plays_and_seeks(page: Browser, running_stack: RunningStack):
    page.run(OPEN, running_stack.lecture["hls_url"].replace("master.m3u8", "audio/index.m3u8"), 0)
    state = play_and_seek(page)
    assert (state["height"], state["stalls"]) == (0, 0)
