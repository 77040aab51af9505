"""The page of all alerts: what senders reported, whether it paged or not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.core.db import session, transaction
from app.incidents.models import Alert
from tests import build


@pytest.fixture
def reported(ana, payments):
    """An alert of an incident, one that paged nobody, and one of another team that keeps to itself."""
    sender = build.integration("prometheus", team=payments)
    checkout = build.service("checkout", team=payments)
    incident = build.incident("Checkout is down", team=payments, service=checkout, severity="critical")
    build.alert(incident, integration=sender, labels={"env": "prod"}, dedup_key="one")
    hidden = build.incident("Salaries leak", team=build.team("people", private=True))
    build.alert(hidden, dedup_key="three")
    with transaction():
        session.add(Alert(integration_id=sender.id, dedup_key="two", title="Disk fills slowly", severity="low", status="resolved",
                          labels={"env": "test"}, first_seen=clock.now() - timedelta(days=2)))


@pytest.mark.both_databases
@pytest.mark.parametrize(("asked", "seen"), [
    ("", {"Checkout is down", "Disk fills slowly"}), ("?paged=no", {"Disk fills slowly"}), ("?paged=yes", {"Checkout is down"}),
    ("?status=firing", {"Checkout is down"}), ("?severity=low", {"Disk fills slowly"}), ("?service=checkout", {"Checkout is down"}),
    ("?integration=prometheus&label=env=test", {"Disk fills slowly"}), ("?label=env=nowhere", set()), ("?q=slowly", {"Disk fills slowly"}),
    ("?team=payments", {"Checkout is down"}), ("?to=2020-01-01T00:00:00Z", set()),
    ("?status=resolved&severity=low&paged=no&label=env=test&q=FILLS", {"Disk fills slowly"}), ("?severity=high&q=fills", set()),
    ("?q=lowl", {"Disk fills slowly"}), ("?q=DI", {"Disk fills slowly"}), ("?q=is", {"Checkout is down"}), ("?q=lo", set()),
    ("?q=_", set()), ("?label=env=tes", set()), ("?integration=nobody", set())])
def test_alerts_are_narrowed_by_what_the_address_says(reported, signed_in, bob, asked, seen):
    """Spec 04, Pages: the page and the API agree; what is another private team's stays hidden."""
    browser = signed_in(bob)
    html = browser.get(f"/alerts{asked}").text
    assert {title for title in ("Checkout is down", "Disk fills slowly", "Salaries leak") if f"<span>{title}" in html} == seen
    assert {one["title"] for one in browser.get(f"/api/v1/alerts{asked}").json["items"]} == seen
    assert seen or "No alert fits" in html


@pytest.mark.both_databases
@pytest.mark.parametrize(("hours", "seen"), [((30, 29), True), ((3, 2), True), ((80, 75), False), ((1, 0), False)])
def test_an_alert_of_days_is_found_by_any_time_in_which_it_was_there(ana, payments, signed_in, hours, seen):
    """Spec 04, Pages: it began three days ago and ended two hours ago, without an incident."""
    sender, now = build.integration("prometheus", team=payments), clock.now()
    with transaction():
        session.add(Alert(integration_id=sender.id, dedup_key="one", title="Disk fills", status="resolved", severity="low",
                          first_seen=now - timedelta(days=3), last_seen=now - timedelta(hours=2), resolved_at=now - timedelta(hours=2)))
    since, until = ((now - timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in hours)
    found = signed_in(ana).get(f"/api/v1/alerts?from={since}&to={until}").json["items"]
    assert [one["title"] for one in found] == ["Disk fills"] * seen


def test_each_opens_to_what_the_sender_said(reported, signed_in, bob):
    browser = signed_in(bob)
    alone = session.query(Alert).filter_by(dedup_key="two").one().id
    assert "Disk fills slowly" in browser.get(f"/alerts/{alone}").text
    paged = session.query(Alert).filter_by(dedup_key="one").one()
    assert browser.get(f"/alerts/{paged.id}").headers["Location"] == f"/incidents/{paged.incident_id}/alerts/{paged.id}"
    assert browser.get(f"/alerts/{session.query(Alert).filter_by(dedup_key='three').one().id}").status_code == 404


@pytest.mark.parametrize(("asked", "said"), [
    ("label=prod", "name=value"), ("status=open", "is not one of"), ("from=yesterday", "not a time")])
def test_what_means_nothing_is_said(reported, signed_in, bob, asked, said):
    answer = signed_in(bob).get(f"/alerts?{asked}")
    assert answer.status_code == 422 and said in answer.text
