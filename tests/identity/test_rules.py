"""The table of roles and actions, locks, logins, passwords and addresses, as plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.identity import rules

AT = datetime(2026, 3, 24, 3, 0, tzinfo=UTC)
# The matrix of the rules, written out once more by hand: who may, of observer, responder, manager, other member.
MATRIX = {
    "incident.read": "yyyy", "schedule.read": "yyyy", "maintenance.edit": "--y-", "silence.edit": "-yy-",
    "route.read": "yyyy", "route.edit": "----",
    "team.read": "yyyy", "people.read": "yyyy", "own.read": "yyyy",
    "own.edit": "yyyy", "integration.read": "yyyy", "incident.act": "-yy-", "incident.create": "-yy-",
    "shift.exchange": "yyyy", "schedule.override_self": "-yy-", "integration.secrets": "-yy-", "schedule.edit": "--y-", "policy.edit": "--y-",
    "service.edit": "--y-", "integration.edit": "--y-", "team.edit": "--y-", "audit.read": "--y-",
    "team.create": "----", "people.edit": "----", "people.erase": "----", "admin": "----", "scim": "----",
    "action_item.change": "-yy-", "connection.edit": "--y-", "connection.read": "yyyy", "partner.admin": "----", "partner.edit": "--y-",
    "partner.read": "----", "postmortem.manage": "--y-", "postmortem.read": "yyyy", "postmortem.review": "-yy-",
    "postmortem.write": "-yy-", "runbook.approve": "----", "runbook.edit": "--y-", "runbook.read": "yyyy", "runbook.run": "-yy-",
    "secret.edit": "--y-", "status_page.edit": "--y-", "status_page.read": "yyyy", "status_page.write": "-yy-", "webhook.edit": "--y-",
    "webhook.read": "yyyy", "workflow.edit": "--y-", "workflow.read": "yyyy", "workflow.run": "-yy-",
    "configuration.apply": "--y-", "configuration.read": "--y-", "shadow.edit": "----", "shadow.read": "yyyy",
}


def test_the_table_is_the_matrix() -> None:
    """IDN-21"""
    roles = ("observer", "responder", "manager", None)
    found = {action: "".join("y" if rules.permitted("member", role, action) else "-" for role in roles)
             for action in rules.TABLE}
    assert found == MATRIX


def test_an_admin_may_everything_and_what_is_not_listed_nobody_may() -> None:
    assert all(rules.permitted("admin", None, action, team_private=True) for action in rules.TABLE)
    assert not rules.permitted("admin", "manager", "incident.delete")
    assert not rules.permitted("visitor", None, "incident.read")


def test_a_private_team_is_closed_to_outsiders_and_open_to_its_observers() -> None:
    """IDN-24"""
    assert not rules.permitted("member", None, "incident.read", team_private=True)
    assert rules.permitted("member", "observer", "incident.read", team_private=True)


def test_who_was_paged_acts_on_that_incident_and_on_nothing_else() -> None:
    assert rules.permitted("member", None, "incident.act", involved=True, team_private=True)
    assert not rules.permitted("member", None, "service.edit", involved=True)


def test_a_key_that_reads_incidents_reads_incidents() -> None:
    """IDN-38"""
    assert rules.scopes_permit(frozenset({"incidents:read"}), "incident.read")
    assert not rules.scopes_permit(frozenset({"incidents:read"}), "incident.act")
    assert not rules.scopes_permit(frozenset(), "incident.read")
    assert rules.scopes_permit(None, "admin")
    assert not rules.scopes_permit(frozenset({"config:write"}), "admin")


@pytest.mark.parametrize(("minutes", "locked"), [([0, 1, 2, 3], False), ([0, 1, 2, 3, 4], True),
                                                 ([0, 1, 2, 3, 15], True), ([0, 4, 8, 12, 16], False)])
def test_five_wrong_in_a_quarter_of_an_hour_lock_for_an_hour(minutes: list[int], locked: bool) -> None:
    """IDN-06"""
    failures = [AT + timedelta(minutes=minute) for minute in minutes]
    until = rules.locked_until(failures, rules.ACCOUNT_TRIES, rules.ACCOUNT_LOCK)
    assert until == (failures[-1] + timedelta(minutes=60) if locked else None)


@pytest.mark.parametrize(("age", "idle", "ended", "valid"), [
    (23.9, 1, None, True), (24, 1, None, False), (13, 12, None, False), (13, 11.9, None, True), (1, 0, 0.5, False),
])
def test_a_login_lasts_a_day_and_half_a_day_unused(age: float, idle: float, ended: float | None, valid: bool) -> None:
    before = [AT - timedelta(hours=hours) if hours is not None else None for hours in (age, idle, ended)]
    assert rules.login_valid(before[0], before[1], before[2], AT) is valid  # type: ignore[arg-type]


@pytest.mark.parametrize(("password", "fault"), [
    ("short", "at least 12"), ("x" * 201, "at most 200"), ("Ana Maria Lopez", "your name"),
    ("ANA@example.com", "your name or e-mail"), ("Password1234", "too common"), ("abababababab", "too common"),
    ("correct horse battery", ""),
])
def test_a_password_that_can_be_guessed_is_refused(password: str, fault: str) -> None:
    found = rules.password_fault(password, name="Ana Maria Lopez", email="ana@example.com",
                                 common=frozenset({"password1234"}))
    assert fault in found and bool(found) is bool(fault)


@pytest.mark.parametrize("target", ["//evil", "/\\evil", "\\evil", "https:evil", "https://evil", "javascript:x", "/\t/evil",
                                    "/a\\b", "", None, "/\n/evil"])
def test_after_sign_in_nobody_leaves_the_site(target: str | None) -> None:
    """IDN-11"""
    assert rules.own_path(target) == "/"


def test_a_path_of_our_own_is_kept_with_its_query() -> None:
    assert rules.own_path("/incidents?status=triggered&q=a%20b") == "/incidents?status=triggered&q=a%20b"
