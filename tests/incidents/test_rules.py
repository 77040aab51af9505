"""Which move is allowed in which state: the whole table, and how severities compare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.core.events import Event
from app.incidents import detail, rules

STATES = ("triggered", "acknowledged", "resolved")
LAWFUL = {
    ("triggered", "acknowledge"): "acknowledged", ("triggered", "resolve"): "resolved",
    ("acknowledged", "resolve"): "resolved", ("acknowledged", "unacknowledge"): "triggered",
    ("resolved", "reopen"): "triggered", ("triggered", "snooze"): "triggered", ("acknowledged", "snooze"): "triggered",
    ("triggered", "escalate"): "triggered", ("acknowledged", "escalate"): "triggered",
    ("triggered", "assign"): "triggered", ("acknowledged", "assign"): "acknowledged",
    ("triggered", "add responders"): "triggered", ("acknowledged", "add responders"): "acknowledged",
    ("triggered", "wake"): "triggered", ("triggered", "merge"): "resolved", ("acknowledged", "merge"): "resolved",
    ("triggered", "change the severity of"): "triggered", ("acknowledged", "change the severity of"): "acknowledged",
    ("triggered", "change the text of"): "triggered", ("acknowledged", "change the text of"): "acknowledged",
    ("triggered", "set the priority of"): "triggered", ("acknowledged", "set the priority of"): "acknowledged",
}


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("command", rules.TRANSITIONS)
def test_each_command_leads_where_the_table_of_the_specification_says(status: str, command: str) -> None:
    """QUAL-18: every pair of state and command, the refused ones too."""
    assert rules.after(command, status) == LAWFUL.get((status, command))


def test_severity_decides_urgency_and_only_a_worse_one_raises() -> None:
    assert [rules.urgency_of(one) for one in rules.SEVERITIES] == ["high", "high", "high", "low", "low"]
    assert rules.is_raise("medium", "critical") and not rules.is_raise("critical", "medium")
    assert not rules.is_raise("high", "high")


def fact(number: int, kind: str, at: datetime) -> Event:
    return Event(id=number, kind=kind, at=at, actor="system", actor_name="OnCall", subject="incident:1", also=[],
                 data={"title": f"alert {number}"})


def test_three_alike_stand_under_one_line_and_two_do_not() -> None:
    noon = datetime(2026, 3, 24, 12, tzinfo=UTC)
    facts = [fact(number, kind, noon - timedelta(minutes=9 - number)) for number, kind in (
        (9, "incident.alert_joined"), (8, "incident.alert_joined"), (7, "incident.alert_joined"),
        (6, "incident.acknowledged"), (5, "incident.alert_joined"), (4, "incident.alert_joined"))]
    lines = detail.entries(facts, ZoneInfo("UTC"))
    assert [len(line.alike) for line in lines] == [3, 0, 0, 0]


def test_a_date_line_stands_where_the_readers_day_changes() -> None:
    """IPG-22: 23:30 UTC is already the next day in Berlin."""
    late, early = datetime(2026, 3, 24, 23, 30, tzinfo=UTC), datetime(2026, 3, 24, 20, tzinfo=UTC)
    facts = [fact(2, "incident.acknowledged", late), fact(1, "incident.opened", early)]
    assert [line.new_day for line in detail.entries(facts, ZoneInfo("Europe/Berlin"))] == [True, True]
    assert [line.new_day for line in detail.entries(facts, ZoneInfo("UTC"))] == [True, False]
