"""Which move is allowed in which state, and how severities compare. Pure."""

from __future__ import annotations

from collections.abc import Iterable

TRIGGERED, ACKNOWLEDGED, RESOLVED = "triggered", "acknowledged", "resolved"
OPEN = (TRIGGERED, ACKNOWLEDGED)
SEVERITIES = ("critical", "high", "medium", "low", "info")
URGENT = ("critical", "high", "medium")
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
URGENCIES = ("high", "low")
ROLES = ("commander", "communications", "scribe")
ANSWERS = ("accepted", "declined")
REOPEN_WITHIN_DAYS = 30
UNMERGE_WITHIN_HOURS = EDIT_WITHIN_HOURS = 24
UNDO_SECONDS = 10
BULK = 200
UPDATE_MINUTES = (15, 240)

# command → state it may start from → state it leads to
TRANSITIONS: dict[str, dict[str, str]] = {
    "acknowledge": {TRIGGERED: ACKNOWLEDGED},
    "unacknowledge": {ACKNOWLEDGED: TRIGGERED},
    "resolve": {TRIGGERED: RESOLVED, ACKNOWLEDGED: RESOLVED},
    "reopen": {RESOLVED: TRIGGERED},
    "assign": {TRIGGERED: TRIGGERED, ACKNOWLEDGED: ACKNOWLEDGED},
    "add responders": {TRIGGERED: TRIGGERED, ACKNOWLEDGED: ACKNOWLEDGED},
    "snooze": {TRIGGERED: TRIGGERED, ACKNOWLEDGED: TRIGGERED},
    "escalate": {TRIGGERED: TRIGGERED, ACKNOWLEDGED: TRIGGERED},
    "wake": {TRIGGERED: TRIGGERED},
    "merge": {TRIGGERED: RESOLVED, ACKNOWLEDGED: RESOLVED},
    "change the severity of": {TRIGGERED: TRIGGERED, ACKNOWLEDGED: ACKNOWLEDGED},
    "change the text of": {TRIGGERED: TRIGGERED, ACKNOWLEDGED: ACKNOWLEDGED},
    "set the priority of": {TRIGGERED: TRIGGERED, ACKNOWLEDGED: ACKNOWLEDGED},
}


def after(command: str, status: str) -> str | None:
    """The state that `command` leads to, or None where it is not allowed."""
    return TRANSITIONS[command].get(status)


def urgency_of(severity: str) -> str:
    """`high` for critical, high and medium, `low` otherwise."""
    return "high" if severity in URGENT else "low"


def is_raise(former: str, present: str) -> bool:
    """Whether `present` is worse than `former`."""
    return SEVERITIES.index(present) < SEVERITIES.index(former)


def worst(severities: Iterable[str], default: str = "medium") -> str:
    """The worst of them; `default` of none."""
    return min(severities, key=SEVERITIES.index, default=default)
