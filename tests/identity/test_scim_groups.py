"""The groups of a directory are teams."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

from app.core.db import session
from app.core.events import Event
from app.identity.models import Team
from tests import build
from tests.identity.directory import GROUP, directory
from tests.racing import at_once


@pytest.fixture
def okta(app):
    """The directory."""
    return directory(app)


def kinds():
    """The kinds of all events, in their order."""
    return list(session.scalars(select(Event.kind).order_by(Event.id)))


def members(team):
    """Role by name, as it is now."""
    session.expire_all()
    return {member.user.name: member.role for member in session.get_one(Team, team).memberships}


def test_groups_are_teams(okta, ana, bob, charlie, payments):
    """IDN-18: new members respond, the roles of others are kept."""
    path = f"/Groups/{payments.id}"
    assert [one["value"] for one in okta.get(path)["members"]] == [str(ana.id), str(bob.id)]
    okta.patch(path, {"op": "Add", "path": "members", "value": [{"value": str(charlie.id)}]})
    assert members(payments.id) == {"Ana": "manager", "Bob": "responder", "Charlie": "responder"}
    okta.patch(path, {"op": "Remove", "path": "members", "value": [{"value": str(charlie.id)}]})
    okta.patch(path, {"op": "remove", "path": f'members[value eq "{bob.id}"]'})
    assert members(payments.id) == {"Ana": "manager"}
    okta.patch(path, {"op": "replace", "path": "members", "value": [{"value": str(ana.id)}, {"value": str(bob.id)}]})
    assert members(payments.id) == {"Ana": "manager", "Bob": "responder"}
    done = okta.patch(path, {"op": "replace", "value": {"id": str(payments.id), "displayName": "Money"}})
    assert (done.json["displayName"], session.get_one(Team, payments.id).key) == ("Money", "payments")
    assert kinds().count("team.changed") == 5


def test_a_group_comes_and_goes(okta, bob):
    """IDN-18"""
    made = okta.group("Site Reliability & Co.", bob)
    path = f"/Groups/{made.json['id']}"
    assert (made.status_code, session.get_one(Team, int(made.json["id"])).key) == (201, "site-reliability-co")
    assert okta.get("/Groups", filter='displayName eq "SITE reliability & co."')["totalResults"] == 1
    assert "members" not in okta.get(path, excludedAttributes="members")
    put = okta.call("PUT", path, {"schemas": [GROUP], "displayName": "SRE", "members": []})
    assert put.json["displayName"] == "SRE"
    assert members(int(made.json["id"])) == {}
    assert okta.call("DELETE", path).status_code == 204 and okta.call("GET", path).status_code == 404
    assert session.get_one(Team, int(made.json["id"])).archived_at is not None and "team.archived" in kinds()


def test_the_name_of_another_team_is_refused(okta, payments):
    """IDN-18"""
    other = okta.group("Others").json["id"]
    rename = okta.patch(f"/Groups/{other}", {"op": "replace", "path": "displayName", "value": "payments"})
    assert (rename.status_code, rename.json["scimType"]) == (409, "uniqueness")
    assert okta.group("PAYMENTS").status_code == 409


@pytest.mark.race
@pytest.mark.both_databases
def test_fifty_simultaneous_patches_leave_exactly_the_union(app, okta, payments):
    """IDN-18"""
    team, statuses = payments.id, []
    people = [build.user(f"p{number}", reachable=False).id for number in range(50)]

    def add(key):
        statuses.append(okta.patch(f"/Groups/{team}", {"op": "add", "path": "members", "value": [{"value": str(key)}]}).status_code)
    assert at_once(app, *[partial(add, key) for key in people]) == []
    assert statuses == [200] * 50 and len(members(team)) == 52
