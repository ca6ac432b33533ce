"""A headless Chromium with the page open in it; every request but for the page is an error."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

# Debian's package, and the names elsewhere.
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Watch:
    """What a page asked for, and what it complained of."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []


@contextlib.contextmanager
def chromium():
    """A browser; the test is skipped, with the reason, when there is none."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is missing: pip install 'lnlbench[browser]'"
    )
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=_ARGUMENTS, timeout=_seconds() * 1000
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser, file: Path, width: int = 1280, scheme: str = "light") -> Iterator:
    """The page of a file, and its `Watch`; nothing but the file itself is let through."""
    watch = Watch()
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(_seconds() * 1000)
    page = context.new_page()
    url = file.resolve().as_uri()

    def route(route):
        asked = route.request.url
        if asked.partition("?")[0] == url:
            route.continue_()
        else:
            watch.requests.append(asked)
            route.abort()

    page.route("**/*", route)
    page.on("console", lambda message: watch.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: watch.complaints.append(str(error)))
    page.goto(url)
    yield page, watch
    assert watch.requests == []
    assert watch.complaints == []
    context.close()


def _seconds() -> float:
    return float(os.environ.get("BROWSER_TIMEOUT", "60"))
