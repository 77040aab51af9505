"""A signal finds its service, policy and people, and the incident says by which step; nothing is refused or unpaged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.escalation.service import save_policy, set_service_policy
from app.identity.models import Team
from app.incidents.models import Alert, Incident
from app.ingest.models import Delivery
from tests import build
from tests.pager import firing, incident, messages, pager, post, run

HOOK = "/in/token-of-hook-0123456789"


@pytest.fixture
def house(app):
    """The pager, and a webhook of nobody's that names no service."""
    found = pager()
    build.user("root", role="admin")
    build.integration("hook", plugin="webhook")
    return found


@pytest.fixture
def sent(client, run_jobs):
    """`sent({...})`: the newest incident after this body."""
    def say(body: Any, path: str = HOOK) -> Incident:
        assert client.post(path, data=json.dumps(body)).status_code == 202
        run_jobs()
        session.expire_all()
        return session.query(Incident).order_by(Incident.id.desc()).first()
    return say


@pytest.mark.parametrize(("body", "path"), [
    ({"service": "CHECKOUT"}, HOOK), ({"service_key": "checkout"}, HOOK), ({"routing_key": "checkout"}, HOOK),
    ({"routingKey": "checkout"}, HOOK), ({"metadata": {"routing_key": "checkout"}}, HOOK),
    ({"labels": {"service": "Checkout"}}, HOOK), ({"tags": ["service:checkout"]}, HOOK),
    ({"tags": ["routing_key:checkout"]}, HOOK), ({}, f"{HOOK}?service=checkout"),
])
def test_the_service_key_is_found_wherever_senders_put_it(house, sent, body, path):
    """CAT-22, ESC-12, ROUTE-01: at the top, under metadata, as label, as tag, in the address; letter case does not count."""
    assert sent({"title": "Disk full", **body}, path).service.key == "checkout"


def test_an_unknown_or_archived_key_falls_through_every_step(house, sent):
    """CAT-23, ESC-13: default service, tag, the integration's team, catch-all; somebody is paged each time."""
    build.service("old", team=house.team, lifecycle="archived")
    assert sent({"title": "a", "service": "old"}).route["step"] == "catch-all"
    assert "old" in incident_of(1).labels["unrouted"] and people() == ["root@example.com"]
    with transaction():
        session.get_one(Team, house.team.id).tags = ["ledger"]
    assert sent({"title": "b", "service": "nowhere", "labels": {"app": "LEDGER"}}).route["step"] == "tag"
    assert people()[-1] == "bob@example.com"
    build.integration("mine", plugin="webhook", team=house.team)
    assert sent({"title": "c", "service": "nowhere"}, house_path("mine")).route["step"] == "team"
    build.integration("ours", plugin="webhook", team=house.team, service=checkout())
    assert sent({"title": "d", "service": "nowhere"}, house_path("ours")).route["step"] == "default"


def incident_of(number: int) -> Incident:
    return session.get_one(Incident, number)


def people() -> list[str]:
    return [one.user.email for one in messages()]


def house_path(key: str) -> str:
    return f"/in/token-of-{key}-0123456789"


def test_a_tag_of_two_teams_chooses_neither_and_names_both(house, sent):
    """CAT-24"""
    build.team("ledger", responders=[house.bob], tags=["shared"])
    build.team("books", responders=[house.bob], tags=["shared"])
    found = sent({"title": "a", "labels": {"app": "shared"}})
    assert found.route["step"] == "catch-all"
    assert all(name in " ".join(found.route["considered"]) for name in ("Ledger", "Books"))


def test_the_incident_says_the_step_the_value_and_what_did_not_match(house, sent, client, token):
    """CAT-25, ESC-14: on the page and by the API."""
    found = sent({"title": "a", "labels": {"service": "checkout"}})
    assert found.route["reason"] == "Routed by the service key checkout of the signal"
    said = client.get(f"/api/v1/incidents/{found.id}", headers=token(house.ana)).json
    assert said["service"]["key"] == "checkout" and "checkout" in json.dumps(said["route"])


def test_the_default_service_is_set_and_cleared_and_the_next_delivery_uses_it(house, sent, client, token):
    """CAT-26, ESC-15: by the API, only to a service of a team that the setter manages."""
    other = build.service("vault", team=build.team("secret", responders=[house.bob]))
    build.integration("mine", plugin="webhook", team=house.team)
    header, path = token(house.ana), "/api/v1/integrations/mine"
    assert client.patch(path, headers=header, json={"service": "checkout"}).status_code == 200
    assert sent({"title": "a"}, house_path("mine")).service.key == "checkout"
    assert client.patch(path, headers=header, json={"service": other.key}).status_code == 403
    assert client.patch(path, headers=header, json={"service": None}).status_code == 200
    assert sent({"title": "b"}, house_path("mine")).route["step"] == "team"


def test_the_services_policy_counts_while_it_has_a_level_else_the_teams(house, sent):
    """CAT-27, ESC-16, CAT-10: emptied it is inherited; the timeline names which."""
    with transaction():
        save_policy({"key": "own", "team": "payments", "levels": [{"targets": [{"user": "ana@example.com"}]}]}, by=OPERATOR)
        set_service_policy(session.merge(checkout()), "own", by=OPERATOR)
    sent({"title": "a", "service": "checkout"})
    assert (run().policy_name, people()[-1]) == ("own", "ana@example.com")
    with transaction():
        run().policy.levels = []
    sent({"title": "b", "service": "checkout"})
    assert (run().policy_name, people()[-1]) == ("Payments", "bob@example.com")


def checkout() -> Any:
    from app.catalog.queries import service_by_key

    return service_by_key("checkout")


def test_one_title_for_two_services_is_two_incidents(house, sent):
    """CAT-28, ESC-05: and one key of two integrations too."""
    build.service("ledger", team=house.team)
    one, two = sent({"title": "Disk", "service": "checkout"}), sent({"title": "Disk", "service": "ledger"})
    assert one.id != two.id
    build.integration("twin", plugin="webhook", team=house.team)
    three, four = sent({"title": "x", "id": "k"}), sent({"title": "x", "id": "k"}, house_path("twin"))
    assert three.id != four.id


def test_a_repeat_that_names_another_service_stays_where_it_is_with_a_note(house, sent):
    """CAT-28, ESC-05"""
    build.service("ledger", team=house.team)
    sent({"title": "Disk", "id": "k", "service": "checkout"})
    assert sent({"title": "Disk", "id": "k", "service": "ledger"}).service.key == "checkout"
    assert "ledger" in session.query(Delivery).order_by(Delivery.id.desc()).first().note


def test_whoever_is_paged_from_outside_the_team_may_act(house, sent, client, token):
    """CAT-29: on duty through the service's policy, not a member of the owning team."""
    dora = build.user("dora")
    with transaction():
        save_policy({"key": "own", "team": "payments", "levels": [{"targets": [{"user": "dora@example.com"}]}]}, by=OPERATOR)
        set_service_policy(session.merge(checkout()), "own", by=OPERATOR)
    found = sent({"title": "a", "service": "checkout"})
    assert people() == ["dora@example.com"]
    assert client.post(f"/api/v1/incidents/{found.id}/acknowledge", headers=token(dora)).status_code == 200


def test_the_newest_text_counts_and_the_title_stays_as_it_opened(house, sent):
    """ESC-03: body, labels and link are the newest; what people read as the incident's title does not jump."""
    sent({"title": "Disk 91 %", "id": "k", "description": "first", "url": "https://a.example/"})
    sent({"title": "Disk 95 %", "id": "k", "description": "second", "url": "https://b.example/", "labels": {"host": "db"}})
    alert = session.query(Alert).one()
    assert (alert.body, alert.url, alert.labels) == ("second", "https://b.example/", {"host": "db"})
    assert incident().title == "Disk 91 %"


def test_alerts_end_with_their_incident_and_a_later_signal_is_a_recurrence(house, client, run_jobs, token):
    """ESC-46, ESC-08"""
    post(client, house, firing())
    run_jobs()
    assert client.post("/api/v1/incidents/1/resolve", headers=token(house.bob)).status_code == 200
    assert session.query(Alert).one().status == "resolved"
    post(client, house, firing())
    run_jobs()
    session.expire_all()
    assert session.get_one(Incident, 2).former_id == 1


def test_manual_incidents_and_those_of_compatible_senders_escalate_alike(house, client, run_jobs, token):
    """ESC-39: the same policy, the same first level, the same entries."""
    client.post("/api/v1/incidents", headers=token(house.bob), json={"title": "By hand", "service": "checkout"})
    client.post("/v2/enqueue", json={"routing_key": "checkout", "event_action": "trigger", "payload": {
        "summary": "By a sender", "source": "x", "severity": "critical"}})
    run_jobs()
    kinds = [[one["kind"] for one in client.get(f"/api/v1/incidents/{at}/timeline", headers=token(house.bob)).json
              if one["kind"].startswith("escalation.")] for at in (1, 2)]
    assert kinds[0] == kinds[1] == ["escalation.started", "escalation.level_reached"]
    assert people() == ["bob@example.com"] * 2
