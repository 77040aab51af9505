"""A team's page says what would go wrong tonight."""

from __future__ import annotations

import pytest

from app.core import clock
from app.core.db import session, transaction
from app.identity.models import Team
from app.identity.rules import team_faults
from app.identity.team_pages import health_of
from tests import build


def titles(team):
    """What the page of the team warns about."""
    return [title for title, _ in health_of(session.get_one(Team, team.id))]


def test_a_team_that_sleeps_well_is_told_nothing(app, ana, bob, charlie):
    team = build.team("payments", manager=ana, responders=[bob, charlie])
    build.policy("payments", (60, [build.schedule("primary", team=team, turns=[[bob], [charlie]])]), team=team)
    assert titles(team) == []


def test_everything_that_is_missing_is_named(app, signed_in, bob):
    eve = build.user("eve", reachable=False)
    team = build.team("payments", responders=[bob, eve])
    build.policy("empty", team=team, default=False)
    build.schedule("primary", team=team, turns=[[bob]], ends="2026-01-06T09:00")
    assert titles(team) == ["Only 2 to page", "No manager", "Unproven contacts", "No policy", "Empty policy",
                            "Nobody on duty in Primary"]
    page = signed_in(bob).get("/teams/payments").text
    assert "Eve can&#39;t be paged: no contact method is proven." in page and "Bob can" not in page


def test_a_warning_ends_when_its_reason_does(app, bob):
    """IDN-36: at the next look."""
    eve = build.user("eve", reachable=False)
    team = build.team("payments", manager=bob, responders=[eve, build.user("mia")])
    assert "Unproven contacts" in titles(team)
    build.contact(eve)
    assert "Unproven contacts" not in titles(team)


def test_whoever_was_deactivated_does_not_count(app, ana, bob, charlie):
    team = build.team("payments", manager=ana, responders=[bob, charlie])
    with transaction():
        session.merge(ana).state = "deactivated"
    assert titles(team)[:2] == ["Only 2 to page", "No manager"]


def test_an_archived_team_is_left_in_peace(app):
    assert titles(build.team("old", archived_at=clock.now())) == []


@pytest.mark.parametrize(("managers", "responders", "said"), [
    (1, 3, []), (0, 3, ["No manager"]), (1, 2, ["Only 2 to page"]), (0, 0, ["Nobody to page", "No manager"])])
def test_three_to_page_and_one_to_manage_are_enough(managers, responders, said):
    assert [title for title, _ in team_faults(managers=managers, responders=responders)] == said
