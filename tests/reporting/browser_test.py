"""The page in a browser, where Chromium and its driver are on PATH."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from noisy_keras import reporting
from tests.reporting import run as made

pytestmark = [
    pytest.mark.large,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="needs chromium and chromedriver on PATH",
    ),
]

_MEASURE = """
document.querySelectorAll("details").forEach(d => { d.open = true; });
const wide = [...document.querySelectorAll("body *")].filter(
    e => !e.closest(".scroll") &&
         e.getBoundingClientRect().right > innerWidth + 1);
return {
    width: document.documentElement.scrollWidth,
    window: innerWidth,
    wide: wide.slice(0, 5).map(e => e.outerHTML.slice(0, 120)),
    broken: [...document.images].filter(i => !i.naturalWidth).length,
    images: document.images.length,
};
"""


class Browser:
    """A session of Chromium, by the WebDriver protocol."""

    def __init__(self, folder, width):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={self.port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()
        metrics = {"width": width, "height": 800, "pixelRatio": 1}
        options = {
            "args": [
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                f"--user-data-dir={folder}",
            ],
            # A window is no narrower than 500 pixels; a device may be.
            "mobileEmulation": {"deviceMetrics": metrics},
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        made_ = self("session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"session/{made_['sessionId']}"

    def __call__(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)["value"]

    def log(self, kind):
        return self(f"{self.session}/se/log", {"type": kind})

    def close(self):
        try:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/{self.session}", method="DELETE"
            )
            urllib.request.urlopen(request, timeout=60).close()
        finally:
            self.driver.terminate()
            self.driver.wait(60)

    def _wait(self):
        for _ in range(300):
            try:
                return self("status")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        raise TimeoutError("chromedriver did not start")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_its_window_and_loads_nothing(tmp_path, width):
    names = ["<script>alert(1)</script>", "x" * 300, *map(str, range(30))]
    made.write(tmp_path / "run", names, samples=400, divisions=(1, 2, 3))
    path = reporting.write(tmp_path / "run")
    browser = Browser(tmp_path / "profile", width)
    try:
        browser(f"{browser.session}/url", {"url": f"file://{path}"})
        found = browser(
            f"{browser.session}/execute/sync", {"script": _MEASURE, "args": []}
        )
        errors = browser.log("browser")
        messages = [
            json.loads(entry["message"])["message"]
            for entry in browser.log("performance")
        ]
    finally:
        browser.close()
    assert found["window"] == width and found["width"] <= width
    assert found["wide"] == []
    assert found["images"] > 5 and found["broken"] == 0
    assert errors == []
    asked = {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        # The start page of the browser has requests of its own.
        and message["params"]["documentURL"].startswith("file:")
    }
    assert {a for a in asked if not a.startswith("data:")} == {f"file://{path}"}
