"""What the page of noise proposes: forms that are filled in, and nothing changed until one is saved."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from app.core.db import session, transaction
from app.core.events import Event
from app.incidents.models import Alert
from app.ingest.models import Route
from tests import build
from tests.insights.test_figures import NOW, REFRESH, happened


@pytest.fixture
def noisy(checkout, olga, tick):
    """Six incidents that were over in a minute, of one service, one integration and one key with a comma."""
    source = build.integration("grafana", plugin="grafana")
    with transaction():
        for _ in range(6):
            one = happened(checkout, NOW - timedelta(hours=1), end=60)
            session.add(Alert(incident_id=one.id, integration_id=source.id, dedup_key="disk,full*", title="Disk", severity="high",
                              status="resolved", first_seen=one.opened_at, last_seen=one.opened_at))
    tick(REFRESH)


def proposed(browser) -> dict[str, str]:
    """The words and addresses of all proposals, those of the key with a mark."""
    shown = browser.get("/insights/noise").text.partition("<tbody>")[2].partition("</tbody>")[0]
    found = {}
    for row in shown.split("<tr>")[1:]:
        kind = re.search(r'class="sub">([^<]+)<', row)[1]
        found |= {f"{kind}: {words}": html.unescape(path) for path, words in re.findall(r'class="link" href="([^"]+)">([^<]+)<', row)}
    return found


def test_each_proposal_opens_a_form_filled_in_and_changes_nothing(noisy, signed_in, olga, bob):
    """INS-15: grouping, delay, suppression, maintenance."""
    browser, facts = signed_in(olga), session.query(Event).count()
    paths = proposed(browser)
    expected = {"service: grouping": 'value="30m"', "service: a delay": 'value="10m"', "service: maintenance": "checkout",
                "integration: a delay": 'value="grafana"', "integration: suppression": 'name="suppress" value="1" checked',
                "key of alerts: a delay": "re:^disk,full\\*$", "key of alerts: suppression": "re:^disk,full\\*$"}
    assert paths.keys() == expected.keys()
    for words, said in expected.items():
        answer = browser.get(paths[words])
        assert answer.status_code == 200 and said in html.unescape(answer.text), words
    assert session.query(Event).count() == facts and session.query(Route).count() == 0
    assert set(proposed(signed_in(bob)).values()) == {"/routes"}


def test_a_proposal_that_is_saved_is_a_route_for_that_key_alone(noisy, signed_in, olga):
    """INS-15: what stands in the form is what is saved."""
    browser = signed_in(olga)
    asked = proposed(browser)["key of alerts: suppression"].partition("?")[2]
    answer = browser.post("/routes/-/new", data=f"{asked}&action=save", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 303
    [route] = session.query(Route)
    assert (route.when, route.then["suppress"]) == ({"key": "re:^disk,full\\*$"}, True)
