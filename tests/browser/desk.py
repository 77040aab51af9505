"""Windows of a real browser on a real server that a test may stop and start again."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import BaseWSGIServer, make_server

from tests import build
from tests.servers import eventually, free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
PHONE = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True}


class Site:
    """The application, served at an address that stays the same."""

    def __init__(self, app: Flask) -> None:
        self.app, self.port = app, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: BaseWSGIServer | None = None

    def start(self) -> None:
        """Answer."""
        self._server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Answer nobody."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def served(app: Flask) -> Iterator[Site]:
    """A site for a test."""
    site = Site(app)
    site.start()
    yield site
    site.stop()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; the test is skipped on a machine without one."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as played:
        opened = played.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def window(browser: Browser, site: Site, name: str = "ana", **context: Any) -> Page:
    """A new window in which somebody has signed in."""
    return sign_in(browser.new_context(base_url=site.url, reduced_motion="reduce", **context).new_page(), name)


def sign_in(page: Page, name: str = "ana") -> Page:
    """Sign in on the page."""
    page.goto("/login")
    page.fill("[name=email]", f"{name}@example.com")
    page.fill("[name=password]", build.PASSWORD)
    page.click("button.primary")
    page.wait_for_url("**/incidents*")
    return page


def until(page: Page, script: str) -> None:
    """Wait until the script says yes; by hand, since our pages forbid what the browser's own waiting does."""
    eventually(lambda: page.evaluate(script), every=0.05, what=script)


def has_worker(page: Page) -> Page:
    """The page once the service worker controls it and has kept its files."""
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    until(page, "Boolean(navigator.serviceWorker.controller)")
    until(page, "caches.open('shell').then((cache) => cache.match('/offline')).then(Boolean)")
    return page


def caches(context: BrowserContext) -> list[str]:
    """The names of the caches, as the service worker sees them."""
    return sorted(context.service_workers[0].evaluate("caches.keys()"))
