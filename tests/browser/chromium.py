"""A headless Chromium, driven through chromedriver's own HTTP protocol (W3C WebDriver): no other package is needed."""

import base64
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.fixtures.waiting import wait_for

TIMEOUT_S = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
)
KEYS = {"ArrowRight": "\ue014", "ArrowLeft": "\ue012", "Tab": "\ue004"}


@dataclass(frozen=True)
class Browser:
    """One window. Scripts are function bodies; what they return must be JSON."""

    session: str

    def open(self, url: str) -> None:
        # A page that differs in its fragment only would not be loaded again.
        self._post("url", {"url": "about:blank"})
        self._post("url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._post("execute/sync", {"script": script, "args": list(arguments)})

    def resize(self, width: int, height: int) -> None:
        self._post("window/rect", {"width": width, "height": height})

    def press(self, key: str) -> None:
        value = KEYS.get(key, key)
        keys = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._post("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def point(self, identifier: str, share: float) -> None:
        """Move the mouse over an element, to this share of its width."""
        self._mouse(identifier, share, [])

    def click(self, identifier: str, share: float) -> None:
        self._mouse(identifier, share, [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}])

    def _mouse(self, identifier: str, share: float, then: list[dict[str, Any]]) -> None:
        box = self.run(
            "const e = document.getElementById(arguments[0]); e.scrollIntoView({block: 'center'});"
            "const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]",
            identifier,
        )
        move = {"type": "pointerMove", "x": round(box[0] + share * box[2]), "y": round(box[1] + box[3] / 2)}
        self._post("actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [move, *then]}]})

    def emulate(self, command: str, parameters: dict[str, Any]) -> Any:
        """A command of the DevTools protocol."""
        return self._post("goog/cdp/execute", {"cmd": command, "params": parameters})

    def console(self) -> list[str]:
        """Errors and warnings since the last call; refusals of the content security policy are among them."""
        return [entry["message"] for entry in self._post("se/log", {"type": "browser"})]

    def screenshot(self, target: Path) -> None:
        reply = requests.get(f"{self.session}/screenshot", timeout=TIMEOUT_S)
        target.write_bytes(base64.b64decode(reply.json()["value"]))

    def wait(self, script: str, what: str) -> Any:
        """The first true value that the script returns."""
        return wait_for(lambda: self.run(script), what)

    def _post(self, command: str, body: dict[str, Any]) -> Any:
        reply = requests.post(f"{self.session}/{command}", json=body, timeout=TIMEOUT_S)
        value = reply.json()["value"]
        assert reply.ok, value
        return value


DRIVER = shutil.which("chromedriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def open_browser(*, language: str = "en-US") -> Iterator[Browser]:
    """A new Chromium with a profile of its own; needs DRIVER and CHROMIUM."""
    assert DRIVER is not None
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder)
        log = profile / "driver.log"
        with log.open("wb") as output:
            process = subprocess.Popen([DRIVER, "--port=0"], stdout=output, stderr=output)
        try:
            address = f"http://127.0.0.1:{wait_for(lambda: _port_in(log), 'chromedriver listens')}"
            options = {
                "binary": CHROMIUM,
                "args": [*FLAGS, f"--user-data-dir={profile / 'profile'}", f"--lang={language}"],
                "prefs": {"intl.accept_languages": language},
            }
            body = {
                "capabilities": {
                    "alwaysMatch": {
                        "browserName": "chrome",
                        "goog:chromeOptions": options,
                        "goog:loggingPrefs": {"browser": "ALL"},
                    }
                }
            }
            reply = requests.post(f"{address}/session", json=body, timeout=TIMEOUT_S).json()["value"]
            assert "sessionId" in reply, reply
            session = f"{address}/session/{reply['sessionId']}"
            try:
                yield Browser(session)
            finally:
                requests.delete(session, timeout=TIMEOUT_S)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _port_in(log: Path) -> str | None:
    for line in log.read_text(errors="replace").splitlines():
        if "started successfully on port" in line:
            return line.rstrip(".").rsplit(" ", 1)[-1]
    return None
