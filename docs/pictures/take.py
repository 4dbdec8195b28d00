"""
Take the pictures of the portal that the README shows, with the people of the demo: `make pictures`.

It serves a demo of its own on this machine, in a directory that is gone afterwards, signs in as Anna, and looks at each
page with Chromium.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60.0
WIDE = {"width": 1180, "height": 760}
#: Name of the picture, page below the portal, and how wide the screen is.
PICTURES = (
    ("my-card", "card/", WIDE),
    ("who-sees-what", "sharing/", WIDE),
    ("people", "people/", WIDE),
)


def main() -> None:
    """Take every picture."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "radicale_plugin.cli", "demo", "--directory", directory, "--port", str(port)]
        demo = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - a program of our own
        try:
            _wait(f"http://127.0.0.1:{port}/.health", demo)
            _take(f"http://127.0.0.1:{port}/.web/", (Path(directory) / "portal-password").read_text().strip())
        finally:
            demo.terminate()
            demo.wait()


def _wait(url: str, demo: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and demo.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 - the server that was just started
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise SystemExit("The demo did not start.")


def _take(portal: str, password: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(locale="en-US", base_url=portal, device_scale_factor=1)
        page = context.new_page()
        page.goto("sign-in")
        page.get_by_label("Login or e-mail address").fill("anna")
        page.get_by_label("Password").fill(password)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.wait_for_url(portal)
        for name, path, size in PICTURES:
            _picture(page, name, path, size)
        browser.close()


def _picture(page: Page, name: str, path: str, size: dict[str, int]) -> None:
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.goto(path)
    seen_by = page.get_by_label("How it looks to")
    if seen_by.count():
        seen_by.select_option("family")
        page.get_by_text("Nothing more than this name.").wait_for(state="hidden")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
