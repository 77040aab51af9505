"""What an apply removes, refuses and warns about."""

from __future__ import annotations

import threading

import pytest
import yaml
from flask import Flask, current_app
from jsonschema import Draft202012Validator

from app.config import service, shape
from app.config.document import load
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Conflict, Invalid
from app.identity.models import User
from app.identity.queries import user_by_email
from app.ingest.queries import integration_by_key
from tests.config.documents import EXAMPLE, apply, diff, faults, lines


def test_without_prune_nothing_goes_and_with_it_only_in_the_kinds_that_are_there(app: Flask) -> None:
    apply(EXAMPLE)
    apply({"users": [{"email": f"p{n}@example.com", "name": "P"} for n in range(20)]})
    assert lines(apply({"integrations": []})) == []
    keep = [user for user in service.export()["users"] if user["email"] not in ("p1@example.com", "p2@example.com")]
    gone = ["removed user p1@example.com", "removed user p2@example.com"]
    assert lines(diff({"users": keep}, prune=True)) == lines(apply({"users": keep}, prune=True)) == gone
    assert lines(apply({"users": keep}, prune=True)) == []
    assert user_by_email("p1@example.com").state == "deactivated"
    assert integration_by_key("prometheus") is not None


def test_a_list_that_lost_most_of_its_things_is_not_believed_without_yes(app: Flask) -> None:
    apply(EXAMPLE)
    with pytest.raises(Conflict, match="would remove 2 of 2 services: checkout, ledger"):
        apply({"services": []}, prune=True)
    assert lines(apply({"services": []}, prune=True, yes=True)) == ["removed service checkout",
                                                                     "removed service ledger"]


def test_the_last_admin_cannot_be_applied_away(app: Flask) -> None:
    """MIG-07."""
    apply(EXAMPLE)
    assert "last platform admin" in faults({"users": [{"email": "ana@example.com", "name": "Ana", "role": "member"}]})[0]


def test_no_private_team_is_left_without_members_and_no_last_resort_without_a_person(app: Flask) -> None:
    """MIG-07: refused with the line, also where a prune would bring it about; what was so before is let be."""
    apply(EXAMPLE)
    last = {"key": "catch-all", "name": "Last", "levels": [{"targets": [{"user": "ana@example.com"}]}]}
    team = {"key": "hidden", "name": "Hidden", "private": True, "members": [{"user": "bob@example.com"}]}
    assert faults({"teams": [{**team, "members": []}]}) == [
        "a.yaml:2:3 teams[0] The private team hidden would have no members: nobody could see its incidents"]
    apply({"teams": [team], "escalation_policies": [last]})
    keep = [user for user in service.export()["users"] if user["email"] != "bob@example.com"]
    with pytest.raises(Invalid, match="hidden would have no members"):
        apply({"users": keep}, prune=True, yes=True)
    with pytest.raises(Invalid, match="the last resort, would reach nobody"):
        apply({"escalation_policies": [{**last, "levels": [{"targets": [{"team": "empty"}]}]}], "teams": [{"key": "empty", "name": "Em"}]})
    assert user_by_email("bob@example.com").is_active and lines(apply({"teams": [team]})) == []


def test_a_service_whose_policy_reaches_nobody_is_warned_about(app: Flask) -> None:
    """MIG-07."""
    text = {"teams": [{"key": "pay", "name": "Pay", "policy": "pay"}],
            "escalation_policies": [{"key": "pay", "name": "P", "levels": [
                {"timeout": "5m", "targets": [{"team": "pay"}]}]}],
            "services": [{"key": "shop", "name": "Shop", "team": "pay"}]}
    assert apply(text).warnings == ["service shop: its policy reaches nobody right now"]


@pytest.mark.both_databases
def test_two_applies_at_once_run_one_after_the_other(app: Flask) -> None:
    found: list[list[str]] = []

    def run() -> None:
        with app.app_context():
            found.append(lines(apply(EXAMPLE)))
            session.remove()
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, found)) == [0, 0, 8]


def test_a_schedule_layer_may_go_without_a_name(app: Flask) -> None:
    apply(EXAMPLE.replace("- name: base\n        starts", "- starts"))
    assert service.export()["schedules"][0]["layers"][0]["name"] == "layer 1"


def test_the_schema_refuses_what_apply_refuses_for_its_form(app: Flask) -> None:
    """MIG-10."""
    check = Draft202012Validator(shape.document(current_app.extensions["plugins"]))
    check.check_schema(check.schema)
    assert check.is_valid(yaml.safe_load(EXAMPLE))
    for bad in ({}, {"version": 2}, {"version": 1, "teams": [{}]}, {"version": 1, "x": 1},
                {"version": 1, "integrations": [{"key": "aa", "plugin": "nothing"}]},
                {"version": 1, "integrations": [{"key": "aa", "plugin": "alertmanager", "config": {"x": 1}}]}):
        assert not check.is_valid(bad), bad
        with pytest.raises(Invalid):
            load([("a", yaml.safe_dump(bad).encode())])


def test_a_person_who_is_in_no_document_stays_untouched_by_an_apply_of_others(ana: User) -> None:
    with transaction():
        service_of = service.export(OPERATOR)
    assert [user["email"] for user in service_of["users"]] == ["ana@example.com"]
    apply(EXAMPLE.replace("ana@example.com", "eve@example.com"))
    assert user_by_email("ana@example.com").name == "Ana"
