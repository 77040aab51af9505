"""Which level comes next, and what a policy may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.core.matching import hours

LEVELS, REPEATS, TARGETS = 10, 9, 20
SHORTEST, LONGEST = 5, 24 * 3600
CATCH_ALL = "catch-all"
TARGETS_BY_NAME = ("user", "users", "schedule", "team", "room", "webhook", "admins")
NOBODY = ("room", "webhook")
HOURS = ("days", "from", "to", "time_zone")

# run state → states it may move to
MOVES: dict[str, frozenset[str]] = {
    "running": frozenset({"running", "voided", "exhausted"}), "voided": frozenset(), "exhausted": frozenset(),
}


@dataclass(frozen=True)
class Step:
    """Level and round of a run, both counted from 0."""

    level: int
    round: int


def reached(level: int, round_: int) -> Step | None:
    """The step that a run stands at; None before its first level."""
    return Step(level, round_) if level >= 0 else None


def next_step(step: Step | None, levels: int, repeat: int, again_from: int = 0) -> Step | None:
    """The step after `step` (None: the first), or None when the last level of the last round is over.

    Later rounds begin at the level `again_from`.
    """
    if step is None:
        return Step(0, 0) if levels else None
    if step.level + 1 < levels:
        return Step(step.level + 1, step.round)
    return Step(again_from, step.round + 1) if step.round < repeat else None


def fruitless(skipped: int, levels: int) -> bool:
    """Whether a whole pass found nobody: going round again would change nothing."""
    return skipped >= levels


def due(paged_at: datetime, timeout: int) -> datetime:
    """When the level paged at `paged_at` has had its time; `timeout` in seconds."""
    return paged_at + timedelta(seconds=timeout)


def ahead(step: Step | None, levels: list[dict[str, Any]], repeat: int, again_from: int = 0) -> list[tuple[Step, int]]:
    """The steps still to come and the seconds from `step` to each, for the plan on the page (at most 20)."""
    found: list[tuple[Step, int]] = []
    seconds = 0
    while len(found) < 20:
        seconds += int(levels[step.level]["timeout"]) if step else 0
        step = next_step(step, len(levels), repeat, again_from)
        if step is None:
            break
        found.append((step, seconds))
    return found


def kind_of(target: Mapping[str, Any]) -> str:
    """What a target names; databases keep no order of its fields."""
    return next((name for name in TARGETS_BY_NAME if name in target), "")


def posts_only(targets: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these targets are rooms and webhooks alone: there is something to tell, but nobody to page."""
    return bool(targets) and all(kind_of(target) in NOBODY for target in targets)


def unmet(when: Mapping[str, Any] | None, at: datetime, *, severity: str = "", urgency: str = "") -> str:
    """Why a level is skipped at `at`, in words; nothing where its condition holds. What is not known counts as met."""
    when = when or {}
    if severity and when.get("severity") and severity not in when["severity"]:
        return f"it is only for {', '.join(when['severity'])}, and this is {severity}"
    if urgency and when.get("urgency") and urgency != when["urgency"]:
        return f"it is only for {when['urgency']} urgency"
    said = [when.get(name) for name in HOURS]
    if any(said) and not hours(*said).hold(at):
        return f"it is only for {hours_text(when)}"
    return ""


def hours_text(when: Mapping[str, Any]) -> str:
    """`mon, tue 09:00 to 17:00 Europe/Berlin`."""
    days = ", ".join(when["days"]) if when.get("days") else "every day"
    return f"{days} {when.get('from') or '00:00'} to {when.get('to') or '24:00'} {when.get('time_zone') or 'UTC'}"


def condition_text(when: Mapping[str, Any] | None) -> str:
    """When a level counts: `only critical, high; mon 09:00 to 17:00 Europe/Berlin`; nothing means always."""
    when = when or {}
    parts = [", ".join(when["severity"])] if when.get("severity") else []
    parts += [f"{when['urgency']} urgency"] if when.get("urgency") else []
    parts += [hours_text(when)] if any(when.get(name) for name in HOURS) else []
    return f"only {'; '.join(parts)}" if parts else ""


def line(members: Sequence[int], kept: Sequence[int]) -> list[int]:
    """Who is next, and after them: as it was kept, so that nobody who is away loses the place; who is new at the end."""
    return [*kept, *(one for one in members if one not in kept)]


def passed_on(waiting: Sequence[int], person: int) -> list[int]:
    """The line after `person` had a turn; whoever was passed over keeps their place."""
    return [*(one for one in waiting if one != person), person]
