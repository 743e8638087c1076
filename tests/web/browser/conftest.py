"""A real Chromium on the page of a real server. Each test has a profile of its own, and fails on what a user would not see.

Such are a request to another host than the page's own, an error in the browser's console, and an exception in the page's script.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect, sync_playwright

from sampan.source import Template
from tests.harness import required
from tests.web.conftest import GENEROUS, served

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Chromium as root, in a machine without network."""

Open = Callable[..., Page]

expect.set_options(timeout=20_000)


def chromium(playwright: Playwright) -> str:
    """Path of a Chromium: on PATH, or Playwright's, where `playwright install chromium` ran."""
    brought = playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, NAMES)), brought if Path(brought).exists() else None)
    return found or required(NAMES[0])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(playwright), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def site(plain_template: Template) -> Iterator[str]:
    """Return the URL of a server, without the slash at its end."""
    with served(plain_template, GENEROUS) as url:
        yield url.rstrip("/")


@contextmanager
def watched(browser: Browser, site: str, *, refused: bool = False, **context: Any) -> Iterator[Page]:
    """Give a page that may talk to `site` alone; at its end it tells what went wrong in it.

    With `refused`, the browser may say that the server refused a page.
    """
    seen: list[str] = []
    with browser.new_context(base_url=site, **context) as opened:

        def guard(route: Route) -> None:
            if urlsplit(route.request.url).netloc == urlsplit(site).netloc:
                route.continue_()
            else:
                seen.append(f"a request to {route.request.url}")
                route.abort()

        opened.route("**/*", guard)
        page = opened.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: seen.append(f"an exception: {error}"))
        page.on("console", lambda message: seen.append(f"the console: {message.text}") if message.type == "error" else None)
        yield page
        faults = [fault for fault in seen if not refused or "the server responded with a status of 4" not in fault]
        assert not faults, "\n".join(faults)


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Open]:
    """`open_page(path, **context)` gives a page at a path of the site, in a context of its own."""
    opened: list[Any] = []

    def made(path: str = "/", **context: Any) -> Page:
        manager = watched(browser, site, **context)
        page = manager.__enter__()
        opened.append(manager)
        page.goto(path)
        return page

    yield made
    for manager in reversed(opened):
        manager.__exit__(None, None, None)
