"""Another way of making alerts asks what becomes of those that are open: they are resolved, or end as they would have."""

from __future__ import annotations

import pytest
import time_machine
from sqlalchemy import select

from app.config import document, service
from app.core.db import session
from app.incidents.models import Alert, Incident
from app.ingest import leftovers
from app.ingest.models import Integration
from tests.pager import firing, pager, post

FORM = {"name": "Prometheus", "team": "payments", "service": "checkout", "default_severity": "medium"}


@pytest.fixture
def now():
    """Noon, until a test moves it."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as at:
        yield at


def both(status: str = "firing", **more) -> dict:
    """A notification with two alerts of one group."""
    one, other = firing("Disk", status=status), firing("Load", status=more.get("second", status))
    return {**one, "groupKey": "{}:{alertname}", "alerts": [*one["alerts"], *other["alerts"]]}


def standing(client, run_jobs):
    """Two alerts fire, each for itself."""
    house = pager()
    post(client, house, both())
    run_jobs()
    return house


def states() -> dict[str, str]:
    """Each incident by its title."""
    session.expire_all()
    return {one.title: one.status for one in session.scalars(select(Incident).order_by(Incident.id))}


def switch(client, house, token, **said):
    """By the API."""
    return client.patch("/api/v1/integrations/prometheus", headers=token(house.ana), json={"config": {"per": "group"}, **said})


def test_the_form_asks_what_becomes_of_open_alerts_and_changes_nothing_before(app, client, run_jobs, signed_in):
    """SRC-06: 422 beside the field; with an answer they are resolved by the integration, and the log says so."""
    ana = signed_in(standing(client, run_jobs).ana)
    assert "Leave 2 until they recover" in ana.get("/integrations/prometheus/edit").text
    answer = ana.post("/integrations/prometheus/edit", data={**FORM, "config.per": "group"})
    assert answer.status_code == 422 and "2 alerts are open that were made the way before" in answer.text
    assert session.query(Integration).one().config.get("per") != "group" and set(states().values()) == {"triggered"}
    assert ana.post("/integrations/prometheus/edit", data={**FORM, "config.per": "group", "open_alerts": "resolve"}).status_code == 303
    assert leftovers.end() == 2
    assert set(states().values()) == {"resolved"} and session.query(Integration).one().config["per"] == "group"
    run_jobs()
    assert "2 open alerts are resolved" in ana.get("/audit").text


def test_without_open_alerts_or_without_that_change_nobody_is_asked(app, client, run_jobs, token):
    """SRC-06: another name asks nothing; nor does the switch when nothing is open."""
    house = standing(client, run_jobs)
    assert client.patch("/api/v1/integrations/prometheus", headers=token(house.ana), json={"name": "Prom"}).status_code == 200
    post(client, house, both("resolved"))
    run_jobs()
    assert switch(client, house, token).status_code == 200 and session.query(Integration).one().regrouped_at is None


@pytest.mark.both_databases
def test_what_is_left_recovers_and_is_counted_one_by_one_beside_the_group(app, client, run_jobs, token):
    """SRC-06: the old incidents end with their own recoveries, the group's with the last; then the old way is forgotten."""
    house = standing(client, run_jobs)
    assert switch(client, house, token).json["errors"][0]["field"] == "open_alerts"
    assert switch(client, house, token, open_alerts="leave").status_code == 200
    post(client, house, both(second="resolved"))
    run_jobs()
    assert list(states().values()) == ["triggered", "resolved", "triggered"]
    assert session.scalar(select(Alert.count).where(Alert.title == "Disk is too high").order_by(Alert.id).limit(1)) == 2
    post(client, house, both("resolved"))
    run_jobs()
    assert set(states().values()) == {"resolved"}
    leftovers.end()
    session.expire_all()
    assert (session.query(Integration).one().regrouped_at, session.query(Integration).one().former_config) == (None, {})
    post(client, house, both())
    run_jobs()
    assert len(states()) <= 4 and session.query(Alert).filter_by(status="firing").count() == 1


def test_what_is_left_and_never_mentioned_again_ends_after_a_day(app, client, run_jobs, token, now):
    """SRC-06: of what the sender is silent nobody waits for ever; alerts of the new way stay."""
    house = standing(client, run_jobs)
    switch(client, house, token, open_alerts="leave")
    now.shift(3600)
    other = firing("Else")
    post(client, house, {**other, "groupKey": "else"})
    run_jobs()
    now.shift(23 * 3600 - 1)
    assert leftovers.end() == 0
    now.shift(2)
    assert leftovers.end() == 2 and list(states().values()) == ["resolved", "resolved", "triggered"]


def test_a_document_leaves_them_unless_it_says_otherwise(app, client, run_jobs):
    """SRC-06: an apply asks nobody; `open_alerts` is no part of what is exported."""
    standing(client, run_jobs)
    said = "version: 1\nintegrations:\n  - {key: prometheus, plugin: alertmanager, config: {per: group}%s}\n"
    apply(said % "")
    assert set(states().values()) == {"triggered"} and session.query(Integration).one().former_config == {"per": "alert"}
    apply((said % ", open_alerts: resolve").replace("group", "alert"))
    leftovers.end()
    assert set(states().values()) == {"resolved"} and session.query(Integration).one().regrouped_at is None


def apply(text: str) -> None:
    """As the operator does."""
    service.apply(document.load([("a.yaml", text.encode())]))
