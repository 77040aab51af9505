"""Whatever can be configured stands in the document, in its schema and in the API, field by field."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml
from flask import Flask
from sqlalchemy import select

from app.config import document, service, shape
from app.config.api import RESOURCES
from app.config.kinds import KINDS, everything
from app.core import openapi
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.events import Event
from app.identity.models import User
from app.notifications import accounts
from app.notifications.channel_models import ChannelAccount
from tests import build
from tests.application import empty
from tests.config import page_forms
from tests.config.documents import apply, diff, faults, lines
from tests.test_access_matrix import world

OWN_CALLS = {"postmortem_templates": "PostmortemTemplate"}
TEMPLATE = {"key": "short", "name": "Short", "team": "payments",
            "sections": [{"heading": "What", "guide": "In a word", "body": "{{title}}"}]}
TEAM: dict[str, Any] = {"key": "payments", "name": "Payments", "digest": [{"user": "bob@example.com", "wanted": True}],
                        "postmortems": {"automatic": "high", "review": "optional", "template": "short"}}

RARE = {  # what is written only where it is set
    "schedules": [{"key": "holidays", "name": "H", "team": "payments", "time_zone": "UTC",
                   "calendars": [{"use": "holidays", "url": "https://calendar.example.com/h.ics"}]}],
    "integrations": [{"key": "signed", "plugin": "webhook", "default_severity": "low", "secret": "0123456789abcdef",
                      "expected_every": "1h", "quiet_incident": True,
                      "signature": {"header": "X-Signature", "algorithm": "sha256"}}],
    "maintenance": [{"key": "all", "name": "All of it", "starts": "2030-01-01T00:00", "ends": "2030-01-02T00:00", "services": ["checkout"],
                     "teams": ["payments"], "integrations": ["signed"], "labels": {"env": "prod"}}]}


def fields(schema: dict[str, Any]) -> set[str]:
    """What is written out: all but secrets."""
    return {name for name, one in schema["properties"].items() if not one.get("writeOnly")}


def test_document_schema_and_api_have_the_same_fields_of_every_kind(app: Flask) -> None:
    """MIG-02: an object of each kind, as it is exported, as the schema says it, as the API describes and takes it."""
    world()
    apply(RARE)
    kinds = shape.document(app.extensions["plugins"])["$defs"]
    described = openapi.document(app)["components"]["schemas"]
    names = {one.kind.name: one.name for one in RESOURCES} | OWN_CALLS
    assert set(kinds) == set(document.KINDS) == {kind.name for kind in KINDS} == set(names)
    for kind in KINDS:
        exported = {name for thing in everything(kind, OPERATOR) for name in kind.document(thing)}
        assert exported == fields(kinds[kind.name]), kind.name
        assert exported == fields(described[names[kind.name]]) - {"id"}, kind.name


def test_what_was_set_elsewhere_is_exported_and_applied_it_is_the_same(app: Flask, ana: User, bob: User, client, token) -> None:
    """MIG-01, MIG-02: the digest, the template and the habits that people chose by hand."""
    build.team("payments", manager=ana, responders=[bob])
    call = {"headers": token(ana), "base_url": "http://localhost"}
    assert client.put("/api/v1/teams/payments/digest", json={"wanted": False}, **call).json == {"wanted": False}
    assert client.post("/api/v1/postmortem-templates", json={**TEMPLATE, "key": "short"}, **call).json["key"] == "short"
    client.patch("/api/v1/teams/payments/postmortem-settings", json=TEAM["postmortems"], **call)
    found = service.export()
    assert found["postmortem_templates"] == [TEMPLATE]
    assert found["teams"][0]["digest"] == [{"user": "ana@example.com", "wanted": False}]
    assert found["teams"][0]["postmortems"] == TEAM["postmortems"] and lines(diff(found, prune=True)) == []


@pytest.mark.both_databases
def test_a_document_says_who_gets_the_digest_and_how_a_team_writes(app: Flask, ana: User, bob: User, client, token) -> None:
    """MIG-04: the second time nothing; what is no longer named goes by the role again; a prune takes the template."""
    build.team("payments", manager=ana, responders=[bob])
    said = {"teams": [TEAM], "postmortem_templates": [TEMPLATE]}
    assert lines(apply(said)) == ["changed team payments: digest, postmortems", "created postmortem template short"]
    assert lines(apply(said)) == []
    assert client.get("/api/v1/teams/payments/digest", headers=token(bob)).json == {"wanted": True}
    set_once = session.scalars(select(Event).where(Event.kind == "insights.digest_set")).one()
    assert (set_once.data["before"], set_once.data["after"]) == ([], TEAM["digest"])
    assert lines(apply({"teams": [{**TEAM, "digest": [], "postmortems": {"template": None}}], "postmortem_templates": []},
                       prune=True, yes=True)) == ["changed team payments: digest, postmortems", "removed postmortem template short"]
    assert client.get("/api/v1/teams/payments/digest", headers=token(bob)).json == {"wanted": False}


def test_names_that_stand_for_nothing_are_faults_of_their_lines(app: Flask, ana: User) -> None:
    """MIG-06: a person of the digest, a template, and a template of another team."""
    build.team("payments", manager=ana)
    build.team("others", manager=ana)
    wrong = {**TEAM, "digest": [{"user": "eve@example.com", "wanted": True}], "postmortems": {"template": "long"}}
    said = " ".join(faults({"teams": [wrong]}))
    assert "no person with the address eve@example.com" in said and "no postmortem template long" in said
    theirs = {"teams": [{**TEAM, "digest": []}], "postmortem_templates": [{**TEMPLATE, "team": "others"}]}
    assert "There is no template short" in " ".join(faults(theirs))


def test_every_secret_of_the_schema_may_be_a_reference(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """MIG-09: what is never written out is read from the environment, wherever it stands."""
    monkeypatch.setenv("HIDDEN", "https://example.com/a-secret-of-16")
    key, secret = {"key": "aa", "name": "Aa"}, "${env:HIDDEN}"
    said = {"users": [{"email": "a@example.com", "name": "A", "password": secret}],
            "schedules": [{**key, "team": "pay", "time_zone": "UTC", "calendars": [{"use": "holidays", "url": secret}]}],
            "integrations": [{"key": "aa", "plugin": "webhook", "token": secret, "secret": secret}],
            "rooms": [{"key": "aa", "team": "pay", "channel": "webhook", "address": secret}],
            "heartbeats": [{"key": "aa", "every": "1d", "token": secret}],
            "webhooks": [{"key": "aa", "url": "https://example.com", "events": ["*"], "secret": secret}],
            "status_pages": [{"slug": "shop", "name": "Shop", "export": {"url": "https://example.com", "header": secret}}]}
    found = document.load([("a.yaml", yaml.safe_dump({"version": 1, **said}).encode())])
    assert secret not in str(found.items) and str(found.items).count("a-secret-of-16") == 8


ROOMS = [{"key": "hook", "team": "payments", "channel": "webhook", "address": "https://chat.example.com/s3cret"},
         {"key": "main", "name": "#payments", "team": "payments", "channel": "slack", "address": "C1", "service": "checkout"}]
POLICY = {"key": "payments", "name": "P", "levels": [{"targets": [{"room": "#payments"}, {"room": "hook"}]}]}


@pytest.mark.both_databases
def test_rooms_stand_in_the_document_before_the_levels_that_name_them(app: Flask, ana: User) -> None:
    """MIG-02, MIG-04, MIG-09: by name or key; an address that is a secret is neither exported nor cleared by its absence."""
    team = build.team("payments", manager=ana)
    build.service("checkout", team=team)
    said = {"rooms": ROOMS, "escalation_policies": [POLICY]}
    assert lines(apply(said)) == ["created room hook", "created room main", "created policy payments"]
    assert lines(apply(said)) == []
    found = service.export()
    assert "s3cret" not in str(found) and [one["address"] for one in found["rooms"]] == [None, "C1"]
    assert found["rooms"][1]["service"] == "checkout" and lines(diff(found, prune=True)) == []
    assert lines(apply({"rooms": [{**ROOMS[0], "address": "https://chat.example.com/other"}]})) == ["changed room hook: secrets"]
    assert "s3cret" not in str([event.data for event in session.scalars(select(Event))])
    for wrong, told in (({"account": "slack:7"}, "There is no account slack:7 of slack here"),
                        ({"channel": "email"}, "Choose a channel that has rooms"), ({"team": "none"}, "there is no team none"),
                        ({}, "This service has this room already")):
        assert told in " ".join(faults({"rooms": [{**ROOMS[1], "key": "new", **wrong}]}))


def test_a_manager_adds_rooms_by_the_api_and_what_was_removed_comes_back(app: Flask, ana: User, bob: User, client, token) -> None:
    """MIG-12: a responder may not; one that a policy names stays."""
    build.service("checkout", team=build.team("payments", manager=ana, responders=[bob]))
    assert client.post("/api/v1/rooms", json=ROOMS[1], headers=token(bob)).status_code == 403
    for _ in range(2):
        assert client.post("/api/v1/rooms", json=ROOMS[1], headers=token(ana)).json["service"] == "checkout"
        assert client.patch("/api/v1/rooms/main", json={"name": "#pay"}, headers=token(ana)).json["name"] == "#pay"
        assert client.delete("/api/v1/rooms/main", headers=token(ana)).status_code == 204
        assert client.get("/api/v1/rooms/main", headers=token(ana)).status_code == 404


def test_what_an_export_leaves_out_is_asked_for_where_it_is_needed_elsewhere(app: Flask, ana: User) -> None:
    """MIG-09: an empty system lacks the secrets of a full one; each is named with what to do."""
    build.team("payments", manager=ana)
    apply({"rooms": [ROOMS[0]], "schedules": RARE["schedules"]})
    found = service.export()
    empty()
    said = faults(found)
    assert [line.partition(" ")[2].partition(" ")[0] for line in said] == ["schedules[0].calendars[0].url", "rooms[0].address"]
    assert all("An export leaves secrets out: write it here, or as ${env:NAME}" in line for line in said)
    found["rooms"][0]["address"] = found["schedules"][0]["calendars"][0]["url"] = "https://example.com/hidden"
    assert "created room hook" in lines(apply(found))


def test_what_can_be_set_on_a_page_stands_in_the_document_and_the_other_way_round(app: Flask, signed_in) -> None:
    """MIG-02: every field of every form of a kind, by its name; what the forms lack has its reason in a table."""
    people = world()
    apply(RARE)
    build.team("hidden", manager=people["admin"], private=True)
    build.policy("night", team=build.team("nights", manager=people["admin"]), default=False)
    with transaction():
        account = ChannelAccount(id=1, plugin="slack", name="Acme")
        accounts.seal_values(account, {})
        session.add(account)
    browser, kinds, wrong = signed_in(people["admin"]), shape.document(app.extensions["plugins"])["$defs"], {}
    read = cache(lambda page: page_forms.Forms(browser.get(page).text).found)
    for kind, forms in page_forms.FORMS.items():
        said = {called.get(name, name) for page, address, called in forms for name in read(page)[address] - page_forms.ASIDE}
        wanted = set(page_forms.fields(kinds[kind]))
        wrong[kind] = said - wanted - {"", "when"}, (wanted - said) ^ set(page_forms.OTHERWISE.get(kind, {}))
    assert {kind: both for kind, both in wrong.items() if any(both)} == {} and set(wrong) == set(document.KINDS)


def test_notices_of_shifts_and_what_global_workflows_may_do_stand_in_the_document(app: Flask, ana: User, bob: User) -> None:
    """MIG-02, MIG-04: what is not named of the notices stays; the second time nothing."""
    build.team("payments", manager=ana, private=True)
    said = {"users": [{"email": "bob@example.com", "name": "Bob", "duty_notices": {"end": True}}],
            "teams": [{"key": "payments", "name": "Payments", "global_workflows": True}]}
    assert lines(apply(said)) == ["changed user bob@example.com: duty_notices", "changed team payments: global_workflows"]
    found = service.export()
    assert lines(apply(said)) == lines(diff(found, prune=True)) == [] and found["teams"][0]["global_workflows"] is True
    assert found["users"][1]["duty_notices"] == {"before": True, "start": True, "end": True}
