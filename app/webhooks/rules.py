"""Which facts a webhook hears, and when a call that failed is tried again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

# Nouns whose facts go out. What is told of each message, login or webhook stays inside: it would tell of itself for ever.
HEARD = ("incident", "escalation", "schedule", "heartbeat", "maintenance", "silence", "service", "runbook", "workflow",
         "action_item", "status_notice", "status_window")
CALLED = "escalation.called"  # tells the webhooks that a level names, whatever else they hear
PATTERN = re.compile(r"\*|[a-z_]+\.(\*|[a-z_]+)")
WAITS = (10, 60, 300, 1800, 7200)
CALL_SECONDS = 10.0
OFF_AFTER = timedelta(hours=24)
STATES = ("queued", "sending", "sent", "failed", "cancelled")
MOST_PATTERNS = 50


def check_pattern(text: object) -> str:
    """A kind of event such as `incident.opened`, all of a noun as `incident.*`, or `*`. Raises ValueError."""
    if not isinstance(text, str) or not PATTERN.fullmatch(text):
        raise ValueError("Name a kind such as incident.opened, all of a noun as incident.*, or *")
    noun = text.partition(".")[0]
    if noun != "*" and noun not in HEARD:
        raise ValueError(f"There are events of {', '.join(HEARD)}; none of {noun}")
    return text


def hears(patterns: Iterable[str], kind: str) -> bool:
    """Whether one of the patterns means this kind."""
    return kind.partition(".")[0] in HEARD and any(fnmatchcase(kind, pattern) for pattern in patterns)


def concerned(hook_team: int | None, teams: Iterable[int], private: Iterable[int], *, named: bool = False) -> bool:
    """Whether a fact that concerns `teams`, of which some are private, is for the webhook of this team (None: global).
    `named`: a level of a policy calls it; then facts of other teams are for it too, of private ones never."""
    concerned_teams = set(teams)
    if hook_team is not None and not named:
        return hook_team in concerned_teams
    return hook_team in concerned_teams or not concerned_teams & set(private)


def next_try(attempts: int, after: float | None, now: datetime) -> datetime | None:
    """When the call is made again after so many attempts; None when it is given up. `after` is what the receiver asked
    for in seconds, at most an hour."""
    if attempts > len(WAITS):
        return None
    return now + timedelta(seconds=max(WAITS[attempts - 1], min(after or 0.0, 3600.0)))
