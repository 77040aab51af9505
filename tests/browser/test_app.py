"""The installed app: what it keeps, how old it says that is, what it sends later, and when it forgets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from app.core.access import Actor
from app.core.db import session, transaction
from app.core.events import Event
from app.identity.models import Team, User
from app.incidents import service
from app.incidents.models import Incident
from tests import build
from tests.browser.desk import PHONE, Site, caches, chromium, has_worker, served, sign_in, until, window

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all of these."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def site(app: Flask, ana: User, payments: Team) -> Iterator[Site]:
    """Two incidents of Ana's team, served."""
    for title in ("Checkout is down", "Disk is full"):
        build.incident(title, team=payments, severity="high")
    with served(app) as found:
        yield found


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Page]:
    """Ana's telephone, which has seen the list and incident 1."""
    page = has_worker(window(browser, site, **PHONE))
    page.goto("/incidents/1")
    page.goto("/incidents")
    until(page, "caches.keys().then((names) => Promise.all(names.filter((n) => n.startsWith('pages:')).map((n) => "
                "caches.open(n).then((c) => c.keys())))).then((all) => all.flat().length >= 2)")
    yield page
    page.context.close()


def lost(phone: Page, site: Site) -> Page:
    """The train enters the tunnel."""
    site.stop()
    phone.context.set_offline(True)
    return phone


def back(phone: Page, site: Site) -> Page:
    """It leaves it."""
    site.start()
    phone.context.set_offline(False)
    return phone


def status(number: int) -> str:
    session.rollback()
    return session.get_one(Incident, number).status


def facts() -> list[Event]:
    """What the log says of acknowledging."""
    session.rollback()
    return session.query(Event).filter_by(kind="incident.acknowledged").all()


def acknowledge(person: User, number: int) -> None:
    with transaction():
        service.acknowledge(session.get_one(Incident, number), by=Actor(person.ref, person.name, "web", person.id))


def test_offline_the_last_list_and_what_was_seen_open_and_say_how_old_they_are(phone: Page, site: Site) -> None:
    """IPG-36."""
    lost(phone, site).goto("/incidents")
    assert re.search(r"As of \d\d:\d\d, offline", phone.inner_text("#not-live")) and phone.is_visible("#row-1")
    assert phone.inner_text(".topbar [data-live-state]").startswith("Not live")
    phone.click("#row-1 a.title")
    phone.wait_for_url("**/incidents/1")
    assert phone.is_visible("text=Checkout is down") and "offline" in phone.inner_text("#not-live")
    phone.goto("/incidents/2")
    assert phone.is_visible("text=No connection") and phone.locator("main li a").count() == 2


def test_offline_an_action_is_refused_in_plain_words(phone: Page, site: Site) -> None:
    """IPG-36."""
    lost(phone, site).goto("/incidents/1")
    phone.fill("textarea[name=body]", "I am in a tunnel")
    phone.locator("form:has(textarea[name=body]) button[type=submit], form:has(textarea[name=body]) button").last.click()
    phone.wait_for_selector("text=nothing was sent")
    assert phone.input_value("textarea[name=body]") == "I am in a tunnel" and status(1) == "triggered"


def later(phone: Page, site: Site) -> None:
    """Ana presses Acknowledge in the tunnel and lets it wait."""
    lost(phone, site).goto("/incidents/1")
    phone.click("#act button:has-text('Acknowledge')")
    phone.click("dialog button:has-text('Send when online')")
    phone.wait_for_selector("button:has-text('Waits to be sent')")


def test_an_acknowledge_that_waits_is_sent_once_on_return(phone: Page, site: Site, ana: User) -> None:
    """IPG-36: one event, by the person, with its outcome on the page."""
    later(phone, site)
    assert status(1) == "triggered"
    back(phone, site).wait_for_selector("text=Acknowledged by", timeout=15000)
    fact, = facts()
    assert (fact.actor, fact.data["via"], status(1)) == (ana.ref, "web", "acknowledged")
    phone.reload()
    assert len(facts()) == 1


def test_an_acknowledge_that_comes_too_late_says_by_whom_it_was(phone: Page, site: Site, bob: User) -> None:
    """IPG-36: never two events."""
    later(phone, site)
    acknowledge(bob, 1)
    back(phone, site).wait_for_selector("text=was not acknowledged by you", timeout=15000)
    assert "Bob" in phone.inner_text("#toasts")
    assert len(facts()) == 1


def test_what_another_left_is_not_sent_as_ana(phone: Page) -> None:
    """IPG-36: of two that wait on one telephone only her own goes."""
    phone.evaluate("""async () => {
        for (const [who, id] of [['somebody else', 1], [document.querySelector('meta[name=viewer]').content, 2]])
            await (await caches.open(`later:${who}`)).put(`/later/${id}`, new Response(JSON.stringify(
                {id: `entry-of-${id}`, incident: id, url: `/api/v1/incidents/${id}/acknowledge`})));
        dispatchEvent(new Event('online')); }""")
    phone.wait_for_selector("text=#2 is acknowledged, sent just now", timeout=15000)
    assert (status(1), status(2)) == ("triggered", "acknowledged")


def test_signing_out_leaves_nothing_behind(phone: Page, site: Site) -> None:
    """IPG-37: pages, what waits and drafts are gone."""
    phone.evaluate("localStorage.setItem('draft:user:1:/incidents/1:body', 'kept:secret')")
    phone.goto("/incidents")
    phone.click("nav.tabbar summary")
    phone.click("nav.tabbar form[data-sign-out] button")
    phone.wait_for_url("**/login*")
    assert caches(phone.context) == ["shell"]
    assert not phone.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:')).length")
    lost(phone, site).goto("/incidents")
    assert phone.is_visible("text=No connection") and phone.locator("main li a").count() == 0


def test_another_person_finds_nothing_of_the_former(phone: Page, site: Site, bob: User) -> None:
    """IPG-37."""
    phone.context.clear_cookies()
    sign_in(phone, "bob")
    until(phone, "caches.keys().then((names) => names.filter((n) => n.startsWith('pages:')).length === 1)")
    assert [name for name in caches(phone.context) if name.startswith("pages:")] == [f"pages:{bob.ref}"]


def test_a_copy_is_not_shown_once_the_login_is_over(phone: Page, site: Site) -> None:
    """IPG-37, IPG-36: nor after a day."""
    phone.evaluate("""async () => {
      const cache = await caches.open((await caches.keys()).find((name) => name.startsWith('pages:')));
      for (const key of await cache.keys()) {
        const old = await cache.match(key, {ignoreVary: true}), headers = new Headers(old.headers);
        headers.set('X-Kept-Until', Date.now() - 1000);
        await cache.put(key, new Response(await old.text(), {headers}));
      }
    }""")
    lost(phone, site).goto("/incidents")
    assert phone.is_visible("text=No connection") and phone.locator("main li a").count() == 0


def test_a_new_version_takes_over_and_a_half_written_note_stays(phone: Page, site: Site) -> None:
    """IPG-38, IPG-24: no reload by itself, and the note outlives one by hand."""
    phone.goto("/incidents/1")
    phone.fill("textarea[name=body]", "Half a sentence")
    phone.evaluate("window.mark = 'same page'")
    phone.evaluate("navigator.serviceWorker.register('/sw.js?next').then(() => true)")
    until(phone, "navigator.serviceWorker.controller?.scriptURL.endsWith('next')")
    phone.wait_for_timeout(300)
    assert phone.evaluate("window.mark") == "same page" and phone.input_value("textarea[name=body]") == "Half a sentence"
    phone.reload()
    assert phone.input_value("textarea[name=body]") == "Half a sentence"


def test_the_offer_to_install_comes_once_after_the_first_acknowledge(phone: Page, site: Site) -> None:
    """IPG-33: and it waits on the profile."""
    ready = """() => { const event = new Event('beforeinstallprompt'); event.prompt = async () => { window.asked = true; };
      dispatchEvent(event); }"""
    phone.evaluate(ready)
    assert not phone.is_visible("[data-install]")
    phone.click("#row-1 button:has-text('Acknowledge')")
    phone.wait_for_selector("text=#1: Acknowledged")
    phone.wait_for_load_state("load")
    phone.evaluate(ready)
    phone.click(".banner [data-install]")
    until(phone, "window.asked === true")
    phone.goto("/me")
    phone.evaluate(ready)
    assert phone.locator(".banner [data-install]").count() == 0 and phone.is_visible("main .card [data-install]")


def swipe(phone: Page, selector: str, by: int) -> None:
    """A finger goes across."""
    box = phone.locator(selector).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2 - by / 2, box["y"] + box["height"] / 2
    tools: Any = phone.context.new_cdp_session(phone)
    tools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in range(1, 5):
        tools.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + by * part / 4, "y": y}]})
    tools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_each_swipe_has_a_visible_button_of_the_same_effect(phone: Page, site: Site) -> None:
    """IPG-35: to the left opens more, to the right acknowledges."""
    assert phone.is_visible("#row-2 [data-more]") and phone.is_visible("#row-2 button:has-text('Acknowledge')")
    swipe(phone, "#row-2", -140)
    phone.wait_for_url("**/incidents/2?more=1")
    assert phone.is_visible("#act details[open] >> text=Snooze…")
    phone.goto("/incidents")
    swipe(phone, "#row-2", 140)
    phone.wait_for_selector("text=#2: Acknowledged")
    assert status(2) == "acknowledged" and status(1) == "triggered"


def test_every_icon_has_the_pixels_it_states_and_the_maskable_one_keeps_within_its_circle(phone: Page) -> None:
    """HRD-22, IPG-33: width, height, and how far from the middle (of 0.4) anything is drawn on the maskable ground."""
    found = phone.evaluate("""async () => {
      const said = await (await fetch('/manifest.webmanifest')).json();
      const touch = {src: document.querySelector('[rel=apple-touch-icon]').href, sizes: '180x180'};
      return Promise.all([...said.icons, touch].map(async ({src, sizes, purpose}) => {
        const answer = await fetch(src), image = await createImageBitmap(await answer.blob());
        const [w, h] = [image.width, image.height], paper = new OffscreenCanvas(w, h).getContext('2d');
        paper.drawImage(image, 0, 0);
        const {data} = paper.getImageData(0, 0, w, h);
        let far = 0;
        for (let at = 0; at < data.length; at += 4) if ([0, 1, 2].some((c) => Math.abs(data[at + c] - data[c]) > 8)) {
          far = Math.max(far, Math.hypot(at / 4 % w / w - 0.5, Math.floor(at / 4 / w) / h - 0.5));
        }
        return {sizes, real: `${w}x${h}`, type: answer.headers.get('content-type'), purpose, far};
      }));
    }""")
    assert all(icon["sizes"] == icon["real"] and icon["type"] == "image/png" for icon in found), found
    assert [icon["far"] <= 0.4 for icon in found if icon["purpose"] == "maskable"] == [True]
