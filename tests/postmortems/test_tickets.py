"""An action item as an issue of Jira, Linear or GitHub, at servers that answer as the vendors document."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine

from app.connections import queries as connections
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.postmortems import items, tickets
from app.postmortems.models import ActionItem, ItemTicket, Postmortem
from app.shadow import service as shadows
from app.shadow.models import Unsent
from tests import build
from tests.fakes import Reply
from tests.incidents.people import by
from tests.plugins.test_actions import FOUND, MADE, NOTHING

CLOSED = {"jira_issue": {"issues": [{"id": "1", "key": "SHOP-24", "fields": {"status": {"statusCategory": {"key": "done"}}}}]},
          "linear_issue": {"data": {"issues": {"nodes": [{"id": "u", "identifier": "OPS-3", "url": "https://linear.app/x",
                                                          "state": {"type": "completed"}}]}}},
          "github_issue": [{"number": 1347, "html_url": "https://github.com/example/shop/issues/1347", "state": "closed"}]}
PARAMS = {"jira_issue": {"project": "SHOP"}, "linear_issue": {"team": "team-uuid"},
          "github_issue": {"repository": "example/shop"}}


def said(body, status=200):
    return Reply(status, json.dumps(body).encode())


@pytest.fixture
def order(app, http_sink, signed_in, bob, payments):
    """`order("jira_issue")`: Bob presses "Create" on an item's page; the connection is the team's."""
    def press(slug, times=1):
        browser = signed_in(bob)
        build.connection("tracker", action=slug, team=payments, config={
            "site": http_sink.url, "api_url": http_sink.url, "email": "bot@example.com", "token": "secret-token"})
        item = build.action_item(build.postmortem(build.incident(team=payments), author=bob), bob, description="Look at it")
        form = {"connection": "tracker", **{f"params.{name}": value for name, value in PARAMS[slug].items()}}
        for _ in range(times):
            assert browser.post(f"/action-items/{item.id}/ticket", data=form).status_code == 303
        return browser, f"/action-items/{item.id}"
    return press


def ticket() -> ItemTicket:
    """The only one."""
    session.expire_all()
    return session.query(ItemTicket).one()


def item() -> ActionItem:
    """The only one."""
    session.expire_all()
    return session.query(ActionItem).one()


@pytest.mark.parametrize("slug", sorted(MADE))
def test_one_press_or_two_make_one_issue_with_everything_in_it(order, tick, http_sink, slug):
    """PM-26: title, description, due date and a link back; key and link are kept and shown."""
    status, body, key = MADE[slug]
    http_sink.answer = said(body, status)
    browser, path = order(slug, times=2)
    for _ in range(2):
        tick("app.postmortems.tickets.make_due")
    sent = http_sink.calls[0].body.decode()
    assert len(http_sink.calls) == 1 and all(part in sent for part in (
        "Slow down retries", "Look at it", "Due 2026-03-31", "http://localhost/postmortems/1", tickets.mark(item())))
    assert (ticket().state, ticket().key) == ("made", key) and key in browser.get(path).text


@pytest.mark.parametrize("slug", sorted(MADE))
def test_after_an_unknown_outcome_it_looks_before_it_makes(order, tick, http_sink, slug):
    """PM-26: the first call was cut off after the issue had been made."""
    http_sink.next_answers.append(Reply(500, b"{}"))
    http_sink.answer = said(FOUND[slug])
    with time_machine.travel("2026-03-02T10:00:00+00:00", tick=False) as at:
        order(slug)
        tick("app.postmortems.tickets.make_due")
        at.shift(timedelta(minutes=1))
        tick("app.postmortems.tickets.make_due")
    assert ticket().key == MADE[slug][2] and len(http_sink.calls) == 2


@pytest.mark.parametrize("slug", sorted(MADE))
def test_a_closed_issue_ends_the_item_within_the_hour_and_a_lost_one_is_shown(order, tick, http_sink, bob, slug):
    """PM-26: looked up hourly; reopened here it is not ended again; gone or forbidden is said, never fatal."""
    with time_machine.travel("2026-03-02T10:00:00+00:00", tick=False) as at:
        http_sink.answer = said(MADE[slug][1], MADE[slug][0])
        browser, path = order(slug)
        tick("app.postmortems.tickets.make_due")
        at.shift(timedelta(minutes=61))
        for answer, state, problem in ((said(FOUND[slug]), "open", ""), (Reply(401, b"{}"), "open", "Access was refused"),
                                       (said(NOTHING[slug]), "open", "has it no more"), (said(CLOSED[slug]), "done", "")):
            http_sink.answer = answer
            tick("app.postmortems.tickets.refresh_due")
            assert item().state == state and problem in ticket().problem and problem in browser.get(path).text
            at.shift(timedelta(minutes=61))
        with transaction():
            items.move_item(item(), "open", by=by(bob))
        browser.post(f"{path}/ticket/refresh")
        assert item().state == "open" and ticket().open is False


def test_a_refusal_is_shown_without_secrets_and_can_be_ordered_anew(order, tick, http_sink):
    """The vendor's own words; then once more, with the right project."""
    http_sink.answer = said({"errorMessages": ["secret-token is bad \ud800"], "errors": {"project": "project is required"}}, 400)
    browser, path = order("jira_issue")
    tick("app.postmortems.tickets.make_due")
    page = browser.get(path).text
    assert ticket().state == "failed" and "project is required" in page and "secret-token" not in page
    http_sink.answer = said(MADE["jira_issue"][1], 201)
    browser.post(f"{path}/ticket", data={"connection": "tracker", "params.project": "SHOP"})
    tick("app.postmortems.tickets.make_due")
    assert ticket().key == "SHOP-24"


def test_machines_order_it_and_a_used_connection_stays(order, client, token, tick, http_sink, ana, charlie):
    """API; a person without a right gets 403, a connection of others 404; what is in use can't be deleted."""
    http_sink.answer = said(MADE["jira_issue"][1], 201)
    order("jira_issue")
    answer = client.post("/api/v1/action-items/1/ticket", headers=token(ana), json={"connection": "tracker"})
    assert answer.status_code == 202 and answer.json["ticket"]["state"] == "queued"
    assert client.post("/api/v1/action-items/1/ticket", headers=token(charlie), json={"connection": "tracker"}).status_code == 403
    assert client.delete("/api/v1/connections/tracker", headers=token(ana)).status_code == 409
    second = build.action_item(session.query(ActionItem).one().postmortem, ana, title="Other")
    answer = client.post(f"/api/v1/action-items/{second.id}/ticket", headers=token(ana), json={"connection": "none"})
    assert answer.status_code == 404


@pytest.mark.both_databases
def test_each_connection_names_the_first_twenty_items_that_wait_for_it(app, payments, ana):
    """Those of another one, and those that are done, are not among them."""
    used, other, idle = (build.connection(key, action="jira_issue", team=payments, config={}) for key in ("used", "other", "idle"))
    told = build.postmortem(build.incident(team=payments), author=ana)
    items = [build.action_item(told, ana, title=f"Item {number:02}") for number in range(23)]
    with transaction():
        session.add_all(ItemTicket(item_id=item.id, connection="other" if at == 1 else "used") for at, item in enumerate(items))
        session.query(ActionItem).filter_by(title="Item 00").one().state = "done"
        session.query(Postmortem).one().state = "published"
    found = connections.uses_of([used, other, idle], OPERATOR)
    assert found == {used.id: [f"the action item “Item {number:02}”" for number in range(2, 22)],
                     other.id: ["the action item “Item 01”"], idle.id: []}


@pytest.mark.parametrize("slug", sorted(MADE))
def test_in_shadow_no_issue_is_made_and_the_item_says_why(order, tick, http_sink, olga, slug):
    """MIG-22, MIG-24: it stands on the list; afterwards nothing old is made."""
    http_sink.answer = said(MADE[slug][1], MADE[slug][0])
    with time_machine.travel("2026-03-02T10:00:00+00:00", tick=False) as at:
        with transaction():
            begun = shadows.begin("team", "payments", reason="Moving in", by=build.actor(olga))
        browser, path = order(slug)
        for _ in range(3):
            tick("app.postmortems.tickets.make_due")
            at.shift(timedelta(hours=1))
        assert http_sink.calls == [] and (ticket().state, ticket().problem) == ("failed", "Not made, in shadow: the team Payments")
        assert [(one.name, one.reason) for one in session.query(Unsent)] == [("tracker", "Slow down retries")]
        with transaction():
            shadows.end(begun, by=build.actor(session.merge(olga)))
        tick("app.postmortems.tickets.make_due")
        assert http_sink.calls == [] and "Not made, in shadow" in browser.get(path).text


def test_in_shadow_the_hourly_look_at_an_issue_asks_nobody(order, tick, http_sink, olga):
    """MIG-22: one that was made before; afterwards it is looked up again."""
    http_sink.answer = said(MADE["jira_issue"][1], MADE["jira_issue"][0])
    with time_machine.travel("2026-03-02T10:00:00+00:00", tick=False) as at:
        order("jira_issue")
        tick("app.postmortems.tickets.make_due")
        with transaction():
            begun = shadows.begin("system", "", reason="Moving in", by=build.actor(olga))
        http_sink.calls.clear()
        at.shift(timedelta(hours=2))
        tick("app.postmortems.tickets.refresh_due")
        tickets.refresh(ticket().id)
        assert http_sink.calls == [] and item().state == "open"
        with transaction():
            shadows.end(begun, by=build.actor(session.merge(olga)))
        http_sink.answer = said(CLOSED["jira_issue"])
        tick("app.postmortems.tickets.refresh_due")
    assert item().state == "done"
