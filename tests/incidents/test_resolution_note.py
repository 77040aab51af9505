"""A team may want to know what it was: whoever resolves says so, by every road."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.identity.models import Team, User
from app.incidents import service
from app.incidents.models import Incident
from app.notifications import replies
from app.plugin_api import Answered, Reply
from tests import build


@pytest.fixture
def incident(payments: Team, bob: User) -> Incident:
    """An incident of a team that asks for a note; Bob has a telephone."""
    with transaction():
        session.get_one(Team, payments.id).note_required = True
    build.contact(bob, "sms", "+4915112345678")
    return build.incident(team=payments)


def now(incident: Incident) -> Incident:
    session.rollback()
    return session.get_one(Incident, incident.id)


def text(words: str, number: int) -> Answered:
    return replies.hear("sms", Reply("resolve", "+4915112345678", incident=str(number), text=words), plugin="twilio")


def test_the_page_asks_and_keeps_what_was_typed(incident: Incident, signed_in: Callable[..., FlaskClient], ana: User) -> None:
    """IPG-10: 422 beside the field; with a note it stands on list, timeline and incident."""
    browser = signed_in(ana)
    path = f"/incidents/{incident.id}/resolve"
    assert browser.post(path, data={"note": "  "}).status_code == 422 and now(incident).status == "triggered"
    assert "wants to know what it was" in browser.post(path, data={"note": ""}).text
    assert browser.post(path, data={"note": "Disk was full"}).status_code == 303
    assert "Disk was full" in browser.get(f"/incidents/{incident.id}").text


def test_machines_are_told_which_field(incident: Incident, client: FlaskClient, token: Callable[..., Any], ana: User) -> None:
    """IPG-10."""
    path = f"/api/v1/incidents/{incident.id}/resolve"
    answer = client.post(path, json={}, headers=token(ana))
    assert answer.status_code == 422 and answer.json["errors"][0]["field"] == "note"
    told = client.post(path, json={"note": "Disk was full"}, headers=token(ana)).json
    assert told["status"] == "resolved"


def test_many_at_once_are_reported_one_by_one(incident: Incident, signed_in: Callable[..., FlaskClient], ana: User) -> None:
    """IPG-10, IPG-12."""
    shown = signed_in(ana).post("/incidents/bulk", data={"what": "resolve", "id": [incident.id], "sure": "1"},
                                follow_redirects=True)
    assert "wants to know what it was" in shown.text and now(incident).status == "triggered"


def test_the_need_of_one_team_holds_up_no_other(incident: Incident, client: FlaskClient, token: Callable[..., Any],
                                                ana: User) -> None:
    """IPG-10, IPG-12: the others are resolved, and the reason is said as it is."""
    other = build.incident(team=build.team("search", manager=ana))
    done = client.post("/api/v1/incidents/bulk", json={"action": "resolve", "incidents": [incident.id, other.id]},
                       headers=token(ana)).json
    assert done["done"] == [str(other.id)] and "wants to know what it was" in done["refused"][0]["reason"]


def test_a_text_message_carries_the_note_and_without_one_is_asked(incident: Incident) -> None:
    """IPG-10: `R17 text`."""
    asked = text("", incident.id)
    assert (asked.done, asked.ask) == (False, "note") and "add a note" in asked.text
    assert text("Disk was full", incident.id).done
    assert (now(incident).status, now(incident).resolution_note) == ("resolved", "Disk was full")


def test_what_recovers_by_itself_is_asked_nothing(incident: Incident) -> None:
    """IPG-10: monitoring has nothing to say."""
    with transaction():
        service.resolve(session.get_one(Incident, incident.id), by=SYSTEM)
    assert now(incident).status == "resolved"


def test_a_manager_sets_it_by_page_and_document(incident: Incident, signed_in: Callable[..., FlaskClient], ana: User,
                                                client: FlaskClient, token: Callable[..., Any]) -> None:
    assert client.get("/api/v1/teams/payments", headers=token(ana)).json["note_required"] is True
    signed_in(ana).post("/teams/payments", data={"name": "Payments", "note_required": ""})
    assert client.get("/api/v1/teams/payments", headers=token(ana)).json["note_required"] is False
