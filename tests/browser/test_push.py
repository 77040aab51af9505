"""A push reaches a real browser, and the button in its notification acknowledges."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from app.core.db import session, transaction
from app.incidents.models import Incident
from app.notifications.browsers import add_browser
from tests import build
from tests.fakes import PushService
from tests.notifications.paged import as_actor, page
from tests.servers import eventually

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
# What a press on a button of the notification is to the service worker: the event that the browser makes of it.
PRESS = """async ([action, tag]) => {
  const shown = (await self.registration.getNotifications()).find((one) => one.tag === tag);
  const event = new NotificationEvent('notificationclick', {notification: shown, action});
  let done;
  Object.defineProperty(event, 'waitUntil', {value: (promise) => { done = promise; }});
  self.dispatchEvent(event);
  await done.catch(() => undefined);
}"""
SHOWN = """async () => (await self.registration.getNotifications()).map(
  (one) => ({title: one.title, tag: one.tag, stays: one.requireInteraction, silent: one.silent,
             actions: one.actions.map((action) => action.action)}))"""


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application, served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def telephone(address: str) -> Iterator[Page]:
    """Ana's browser, in which she has signed in and allowed notifications."""
    if not Path(CHROMIUM).is_file():
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as played:
        browser = played.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=address)
        context.grant_permissions(["notifications"], origin=address)
        opened = context.new_page()
        opened.goto("/login")
        opened.fill("[name=email]", "ana@example.com")
        opened.fill("[name=password]", build.PASSWORD)
        opened.click("button.primary")
        opened.wait_for_url("**/incidents")
        yield opened
        browser.close()


def worker(context: BrowserContext) -> Any:
    """The service worker, as soon as it runs."""
    return context.service_workers[0] if context.service_workers else context.wait_for_event("serviceworker")


def deliver(telephone: Page, address: str, told: dict[str, Any]) -> Any:
    """The push service hands a message to the browser; the worker that got it."""
    active = worker(telephone.context)
    telephone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    tools = telephone.context.new_cdp_session(telephone)
    found: list[str] = []
    tools.on("ServiceWorker.workerRegistrationUpdated",
             lambda said: found.extend(one["registrationId"] for one in said["registrations"]))
    tools.send("ServiceWorker.enable")
    for _ in range(50):
        if found:
            break
        telephone.wait_for_timeout(50)
    tools.send("ServiceWorker.deliverPushMessage",
               {"origin": address, "registrationId": found[0], "data": json.dumps(told)})
    return active


def notifications(telephone: Page, active: Any, count: int) -> list[dict[str, Any]]:
    """What the browser shows, as soon as there are `count`."""
    for _ in range(100):
        shown = active.evaluate(SHOWN)
        if len(shown) >= count:
            break
        telephone.wait_for_timeout(50)
    return sorted(shown, key=lambda one: one["tag"])


def pushed(tick: Any, sink: PushService, number: int) -> dict[str, Any]:
    """What our sender encrypted for the browser, as the browser reads it."""
    tick("app.notifications.ticks.send")
    return dict(next(said for said in sink.messages if said["incident"] == str(number)))


def subscribed(ana: Any, sink: PushService) -> None:
    with transaction():
        add_browser(ana, sink.subscription(), by=as_actor(ana), name="Push to Chrome")


def status(number: int) -> str:
    session.expire_all()
    return session.get_one(Incident, number).status


def test_the_button_in_the_notification_acknowledges(ana, telephone, address, tick, push_sink):
    """NTF-33, NTF-34, HRD-21: two incidents are two notifications, critical stays, one press acts on exactly that one."""
    subscribed(ana, push_sink)
    page(ana, title="Checkout is down", severity="critical")
    page(ana, title="Disk is full", severity="high")
    for number in (1, 2):
        active = deliver(telephone, address, pushed(tick, push_sink, number))
    first, second = notifications(telephone, active, 2)
    assert (first["tag"], first["stays"], second["tag"], second["stays"]) == ("incident-1", True, "incident-2", False)
    assert "Checkout is down" in first["title"] and first["actions"] == ["acknowledge", "open"]
    active.evaluate(PRESS, ["acknowledge", "incident-1"])
    eventually(lambda: status(1) == "acknowledged", what="an acknowledge")
    assert session.get_one(Incident, 1).acknowledged_name == "Ana" and status(2) == "triggered"
    assert "Acknowledged by Ana." in [one["title"] for one in notifications(telephone, active, 2)]


def test_a_press_that_comes_too_late_says_so(ana, telephone, address, tick, push_sink):
    """NTF-34: never a silent failure."""
    subscribed(ana, push_sink)
    page(ana)
    told = pushed(tick, push_sink, 1) | {"acknowledge_url": f"{address}/tap/used-up"}
    active = deliver(telephone, address, told)
    notifications(telephone, active, 1)
    active.evaluate(PRESS, ["acknowledge", "incident-1"])
    shown, = notifications(telephone, active, 1)
    assert shown["title"] == "Not acknowledged" and status(1) == "triggered"


def test_a_notice_takes_the_place_of_the_page_silently(ana, telephone, address):
    """NTF-34: other devices stop ringing."""
    active = deliver(telephone, address, {"title": "Ring", "incident": "7", "severity": "critical"})
    notifications(telephone, active, 1)
    deliver(telephone, address, {"title": "Acknowledged: #7", "incident": "7", "silent": True})
    telephone.wait_for_timeout(300)
    shown, = notifications(telephone, active, 1)
    assert (shown["title"], shown["silent"], shown["stays"]) == ("Acknowledged: #7", True, False)
