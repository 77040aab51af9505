"""What a component shows, what a notice may become, and what damping lets through. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

OPERATIONAL, MAINTENANCE = "operational", "under_maintenance"
STATES = (OPERATIONAL, MAINTENANCE, "degraded", "partial_outage", "major_outage")
OUTAGES = ("partial_outage", "major_outage")
BY_SEVERITY = {"critical": "major_outage", "high": "partial_outage", "medium": "degraded"}
ACCESS = ("public", "private", "partner")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
RESERVED = ("subscription",)
MOST_COMPONENTS, MOST_GROUPS, MOST_PAGES = 200, 30, 200
OVERRIDE = (timedelta(minutes=5), timedelta(days=30))
OVERRIDE_DEFAULT = timedelta(hours=4)
BARS = 90
RECENT = timedelta(days=14)

INVESTIGATING, RESOLVED = "investigating", "resolved"
NOTICE_STATES = (INVESTIGATING, "identified", "monitoring", RESOLVED)
IMPACTS = ("none", "minor", "major", "critical")
IMPACT_OF = {OPERATIONAL: "none", MAINTENANCE: "none", "degraded": "minor", "partial_outage": "major",
             "major_outage": "critical"}
CAME_BACK = timedelta(days=7)
AUTO = ("off", "draft", "publish")

CALM = timedelta(minutes=5)


def worst(states: Iterable[str], default: str = OPERATIONAL) -> str:
    """The worst of them."""
    return max(states, key=STATES.index, default=default)


def computed(severities: Iterable[str]) -> str:
    """What open incidents of these severities mean."""
    return worst(BY_SEVERITY.get(severity, OPERATIONAL) for severity in severities)


def shown(computed: str, *, maintained: bool, override: str | None) -> str:
    """What a component shows: the override, else the worse of its incidents and of maintenance."""
    return override or worst((computed, MAINTENANCE if maintained else OPERATIONAL))


def override_fault(until: datetime, now: datetime) -> str:
    """Why an override may not last until then; "" when it may."""
    least, most = OVERRIDE
    return "" if least <= until - now <= most else "An override lasts from 5 minutes to 30 days"


def move_fault(state: str, to: str, *, resolved_at: datetime | None, now: datetime) -> str:
    """Why a notice in `state` can't get an update that says `to`; "" when it can."""
    if state != RESOLVED:
        return ""
    if to != INVESTIGATING:
        return "It is resolved: it can only be opened again, as investigating"
    if resolved_at is None or now - resolved_at > CAME_BACK:
        return "It was resolved more than 7 days ago: write a new notice"
    return ""


def slug_fault(slug: str) -> str:
    """What is wrong with the name in the address; "" when nothing is."""
    if not SLUG.fullmatch(slug):
        return "3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end"
    return f"“{slug}” is taken by the system" if slug in RESERVED else ""


@dataclass(frozen=True)
class Told:
    """What subscribers were last told of a component, and when."""

    state: str
    at: datetime | None


def damped(told: Told, state: str, now: datetime) -> tuple[bool, datetime | None]:
    """Whether to tell subscribers of `state` at once, and when to look again.

    The first change is told at once; then at most one in 5 minutes, and none where the last word is still true.
    """
    if told.at is None or now - told.at >= CALM:
        return state != told.state, None
    return False, told.at + CALM if state != told.state else None
