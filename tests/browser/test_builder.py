"""The builder by the keyboard alone, without a fault that a scan finds, and fluid with sixty steps."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from app.core.db import session
from app.identity.models import Team
from app.workflows.models import Workflow
from tests.browser.desk import Site, chromium, served, window
from tests.browser.scan import faults
from tests.workflows.stories import edges, note, when, workflow

pytestmark = pytest.mark.browser
BUILD = "/workflows/flow/build"
FOCUSED = """() => { const one = document.activeElement;
  return (one.getAttribute('aria-label') || one.labels?.[0]?.innerText || one.innerText || '').replace(/\\s+/g, ' ').trim(); }"""
FRAME = 50.0  # milliseconds
MOVED = """async () => {
  const place = document.querySelector('.board'), svg = place.querySelector('svg'), frames = [], layouts = [];
  const next = () => new Promise((done) => requestAnimationFrame(done));
  let before = await next();
  for (let at = 0; at < 40; at += 1) {
    place.scrollTop = at * 40; scrollTo(0, at * 20);
    const now = await next(); frames.push(now - before); before = now;
  }
  for (let at = 0; at < 10; at += 1) {
    const began = performance.now();
    svg.setAttribute('width', 900 + at * 10); document.body.getBoundingClientRect(); svg.getBBox();
    layouts.push(performance.now() - began); await next();
  }
  return {frames, layouts}; }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for both."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def site(app: Flask, payments: Team) -> Iterator[Site]:
    """The application, served."""
    with served(app) as found:
        yield found


def reach(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus."""
    passed = []
    for _ in range(150):
        page.keyboard.press("Tab")
        passed.append(page.evaluate(FOCUSED))
        if passed[-1].startswith(name):
            return
    raise AssertionError(f"no {name} among {passed}")


def press(page: Page, *names: str) -> None:
    """Go to each, press Enter, wait for the page that follows, and go past what stands on every page."""
    for name in names:
        reach(page, name)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        reach(page, "Skip to content")
        page.keyboard.press("Enter")


def write(page: Page, name: str, text: str) -> None:
    """Go to the field and replace what stands in it."""
    reach(page, name)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def built(page: Page) -> list[str]:
    """A condition, a note on one side, a delay and a call on the other, by keys; the faults that scans find meanwhile."""
    press(page, "By hand")
    reach(page, "It begins")
    page.keyboard.type("when an incident")
    press(page, "Apply", "Add after step 1")
    found = faults(page, "what can be added")
    press(page, "Add Condition", "Add after step 2, yes", "Add Write a note", "Add after step 2, no", "Add Delay")
    press(page, "Add after step 4", "Add Call a web address", "Save")
    return found + faults(page, "what is to mend")


def mended(page: Page) -> list[str]:
    """What was left out, and one more arrow, by keys."""
    press(page, "add_note")
    write(page, "Note", "Look at it")
    press(page, "Apply")
    reach(page, "To")
    page.keyboard.type("Wait")
    press(page, "Connect", "webhook")
    write(page, "Address", "https://example.com/hook")
    press(page, "Apply")
    return faults(page, "the form of a step")


def test_a_workflow_is_built_saved_and_enabled_with_keys_alone(browser: Browser, site: Site) -> None:
    """WF-08, QUAL-22: trigger, condition, actions, a delay, an arrow, an error at its step; no scan finds a fault meanwhile."""
    workflow("flow", trigger="manual", team="payments", enabled=False)
    page = window(browser, site)
    page.goto(BUILD)
    found = built(page) + mended(page)
    press(page, "Save", "Switch on")
    assert not found, "\n".join(found)
    session.rollback()
    made = session.query(Workflow).filter_by(key="flow").one()
    edges = {(edge["from"], edge.get("out", "next"), edge["to"]) for edge in made.versions[-1].definition["edges"]}
    assert made.enabled and {("condition", "then", "add_note"), ("add_note", "next", "delay")} <= edges


def sixty() -> None:
    """Twenty conditions, each with two sides that meet again."""
    nodes, arrows, before = [], [], ["trigger"]
    for at in range(20):
        nodes += [{"id": f"c{at}", "kind": "condition", "when": when("incident.severity", "eq", "high")}, note(f"a{at}"), note(f"b{at}")]
        arrows += [*(f"{one}>c{at}" for one in before), f"c{at}.then>a{at}", f"c{at}.else>b{at}"]
        before = [f"a{at}", f"b{at}"]
    workflow("flow", *nodes, edges=edges(*arrows), team="payments")


def test_sixty_steps_stay_fluid(browser: Browser, site: Site) -> None:
    """A frame of moving over the picture, and the layout of all of it, take less than 50 ms each."""
    sixty()
    page = window(browser, site)
    page.goto(f"{BUILD}?step=c7")
    assert page.locator(".board a").count() == 61
    took = page.evaluate(MOVED)
    assert median(took["frames"]) <= FRAME and min(took["layouts"]) <= FRAME, took


def where(page: Page) -> list[float]:
    """Where the box of `a` stands."""
    return page.eval_on_selector('[data-step="a"] rect', "box => [Number(box.getAttribute('x')), Number(box.getAttribute('y'))]")


def moved_too_late(page: Page) -> Page:
    """Moved once more, when the session has ended."""
    page.context.clear_cookies()
    page.locator('[data-step="a"]').focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("It was not moved").wait_for()
    return page


def test_a_step_is_moved_by_pointer_and_by_keys(browser: Browser, site: Site) -> None:
    """The place is there when the page is opened again; the focus stays, and letting go is no press."""
    workflow("flow", note("a"), note("b"), team="payments")
    page = window(browser, site)
    page.goto(BUILD)
    x, y = where(page)
    page.locator('[data-step="a"] rect').hover()
    page.mouse.down()
    page.mouse.move(900, 700, steps=4)
    with page.expect_response(lambda answer: answer.url.endswith("/build/step")):
        page.mouse.up()
    page.wait_for_function("x => Number(document.querySelector('[data-step=a] rect').getAttribute('x')) != x", arg=x)
    across, down = where(page)
    page.locator('[data-step="a"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("x => Number(document.querySelector('[data-step=a] rect').getAttribute('x')) == x", arg=across + 24)
    assert page.evaluate("document.activeElement.dataset.step") == "a" and page.url.endswith(BUILD)
    page.reload()
    assert where(page) == where(moved_too_late(page)) == [across + 24, down + 24] and [across, down] != [x, y]
