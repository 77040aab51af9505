"""The list of incidents: what stands on it, in which order, and how many there are in all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from flask.testing import FlaskClient

from app.core import clock
from app.identity.models import Team, User
from tests import build
from tests.incidents.people import rows

SignedIn = Callable[[User], FlaskClient]


def counters(html: str) -> list[int]:
    """Triggered, acknowledged, snoozed, resolved today."""
    return [int(number) for number in re.findall(r"</span><b>(\d+)</b>", html)]


def test_open_incidents_stand_by_urgency_then_newest(signed_in: SignedIn, ana: User, payments: Team) -> None:
    for severity in ("low", "critical", "high"):
        urgency = "low" if severity == "low" else "high"
        build.incident(team=payments, severity=severity, urgency=urgency)
    build.incident(team=payments, status="resolved", resolved_at=clock.now())
    page = signed_in(ana).get("/incidents")
    assert rows(page.text) == [3, 2, 1]
    assert "High urgency · 2" in page.text and "Low urgency · 1" in page.text


def test_pages_of_the_list_follow_without_repeat_while_new_ones_arrive(signed_in: SignedIn, ana: User,
                                                                      payments: Team) -> None:
    """IPG-01 on the page: 25, 25, 10."""
    for number in range(60):
        build.incident(team=payments, urgency="low" if number % 3 else "high")
    browser, url, seen = signed_in(ana), "/incidents", []
    while url:
        html = browser.get(url).text
        seen.append(rows(html))
        build.incident(team=payments, urgency="high")
        found = re.search(r'rel="next" href="([^"]+)"', html)
        url = found[1].replace("&amp;", "&") if found else ""
    assert [len(page) for page in seen] == [25, 25, 10]
    assert sorted(number for page in seen for number in page) == list(range(1, 61))


def test_counters_are_of_the_whole_filtered_set_for_every_role(signed_in: SignedIn, ana: User, charlie: User,
                                                               payments: Team) -> None:
    """IPG-03: also for those who may see less."""
    secret = build.team("secret", manager=ana, private=True)
    for team, number in ((payments, 30), (secret, 2)):
        for _ in range(number):
            build.incident(team=team)
    build.incident(team=payments, status="acknowledged", acknowledged_at=clock.now())
    build.incident(team=payments, snoozed_until=clock.now() + timedelta(hours=1))
    build.incident(team=payments, status="resolved", resolved_at=clock.now())
    build.incident(team=payments, status="resolved", resolved_at=clock.now() - timedelta(days=2))
    assert counters(signed_in(ana).get("/incidents").text) == [32, 1, 1, 1]
    assert counters(signed_in(charlie).get("/incidents?team=payments&status=resolved").text) == [30, 1, 1, 1]
    assert len(rows(signed_in(ana).get("/incidents?status=snoozed").text)) == 1


def test_an_address_with_filters_gives_another_person_the_same_within_their_rights(
        signed_in: SignedIn, ana: User, charlie: User, payments: Team) -> None:
    """IPG-02."""
    secret = build.team("secret", manager=ana, private=True)
    for team in (payments, secret):
        build.incident("Disk full", team=team, severity="critical")
    address = "/incidents?severity=critical&q=disk&sort=oldest"
    assert rows(signed_in(ana).get(address).text) == [1, 2]
    assert rows(signed_in(charlie).get(address).text) == [1]


def test_empty_lists_say_why(signed_in: SignedIn, ana: User, payments: Team) -> None:
    """IPG-04: nothing open, nothing found, and a value that means nothing are three different things."""
    build.incident("The last one", team=payments, status="resolved", resolved_at=clock.now())
    browser = signed_in(ana)
    calm, none, wrong = (browser.get(url) for url in ("/incidents", "/incidents?severity=low", "/incidents?team=nowhere"))
    assert "Nothing is open" in calm.text and "The last one" in calm.text
    assert "Remove 1 filter" in none.text
    assert wrong.status_code == 422 and "There is no team nowhere" in wrong.text
