"""What an apply removes, refuses and warns about."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask

from app.config import service
from app.core.access import OPERATOR
from app.core.db import transaction
from app.core.errors import Conflict, Invalid
from app.identity.models import User
from app.identity.queries import user_by_email
from app.ingest.queries import integration_by_key
from tests.config.documents import EXAMPLE, apply, diff, faults, lines
from tests.racing import at_once


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


BY_DAY = {"schedules": [{"key": "days", "name": "Days", "team": "payments", "time_zone": "UTC", "layers": [{
    "starts": "2026-01-05T00:00", "rotation": {"unit": "week"}, "participants": [["ana@example.com"]],
    "restrictions": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}]}]}],
    "escalation_policies": [{"key": "catch-all", "name": "Last", "levels": [{"targets": [{"schedule": "days"}]}]}]}


@pytest.mark.parametrize("hour", [3, 12])
def test_a_last_resort_that_is_on_duty_by_day_is_taken_at_any_hour_with_its_empty_hours_named(app: Flask, hour: int) -> None:
    """MIG-07: fourteen days from Wednesday have ten working days of eight hours. Who goes with the next hand-off leaves nobody."""
    with time_machine.travel(datetime(2026, 3, 4, hour, tzinfo=UTC), tick=False):
        apply(EXAMPLE)
        said = apply(BY_DAY).warnings[0]
        first = "Wed 4 Mar 03:00 to Wed 4 Mar 09:00" if hour == 3 else "Wed 4 Mar 17:00 to Thu 5 Mar 09:00"
        assert said == f"policy catch-all, the last resort: it reaches nobody for 256 hours of the next 14 days, first from {first} UTC"
        always = {"targets": [{"user": "ana@example.com"}]}
        assert not apply({"escalation_policies": [{**BY_DAY["escalation_policies"][0], "levels": [always]}]}).warnings
        apply({**BY_DAY, "schedules": []})
        with pytest.raises(Invalid, match="would reach nobody in the week from 11 March on"):
            apply({"schedules": [{**BY_DAY["schedules"][0], "layers": []}]})


def test_a_service_whose_policy_reaches_nobody_is_warned_about(app: Flask) -> None:
    """MIG-07."""
    text = {"teams": [{"key": "pay", "name": "Pay", "policy": "pay"}],
            "escalation_policies": [{"key": "pay", "name": "P", "levels": [
                {"timeout": "5m", "targets": [{"team": "pay"}]}]}],
            "services": [{"key": "shop", "name": "Shop", "team": "pay"}]}
    assert apply(text).warnings == ["service shop: its policy reaches nobody right now"]


@pytest.mark.race
@pytest.mark.both_databases
def test_two_applies_at_once_run_one_after_the_other(app: Flask) -> None:
    """MIG-08"""
    found: list[list[str]] = []
    assert at_once(app, *[lambda: found.append(lines(apply(EXAMPLE)))] * 3) == []
    assert sorted(map(len, found)) == [0, 0, 8]


def test_a_schedule_layer_may_go_without_a_name(app: Flask) -> None:
    apply(EXAMPLE.replace("- name: base\n        starts", "- starts"))
    assert service.export()["schedules"][0]["layers"][0]["name"] == "layer 1"


def test_a_person_who_is_in_no_document_stays_untouched_by_an_apply_of_others(ana: User) -> None:
    with transaction():
        service_of = service.export(OPERATOR)
    assert [user["email"] for user in service_of["users"]] == ["ana@example.com"]
    apply(EXAMPLE.replace("ana@example.com", "eve@example.com"))
    assert user_by_email("ana@example.com").name == "Ana"
