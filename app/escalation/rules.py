"""Which level comes next, and what a policy may be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LEVELS, REPEATS, TARGETS = 10, 9, 20
SHORTEST, LONGEST = 5, 24 * 3600
CATCH_ALL = "catch-all"

# run state → states it may move to
MOVES: dict[str, frozenset[str]] = {
    "running": frozenset({"running", "voided", "exhausted"}), "voided": frozenset(), "exhausted": frozenset(),
}


@dataclass(frozen=True)
class Step:
    """Level and round of a run, both counted from 0."""

    level: int
    round: int


def next_step(step: Step | None, levels: int, repeat: int) -> Step | None:
    """The step after `step` (None: the first), or None when the last level of the last round is over."""
    if step is None:
        return Step(0, 0) if levels else None
    if step.level + 1 < levels:
        return Step(step.level + 1, step.round)
    return Step(0, step.round + 1) if step.round < repeat else None


def fruitless(skipped: int, levels: int) -> bool:
    """Whether a whole pass found nobody: going round again would change nothing."""
    return skipped >= levels


def due(paged_at: datetime, timeout: int) -> datetime:
    """When the level paged at `paged_at` has had its time; `timeout` in seconds."""
    return paged_at + timedelta(seconds=timeout)


def ahead(step: Step | None, levels: list[dict[str, Any]], repeat: int) -> list[tuple[Step, int]]:
    """The steps still to come and the seconds from `step` to each, for the plan on the page (at most 20)."""
    found: list[tuple[Step, int]] = []
    seconds = 0
    while len(found) < 20:
        seconds += int(levels[step.level]["timeout"]) if step else 0
        step = next_step(step, len(levels), repeat)
        if step is None:
            break
        found.append((step, seconds))
    return found
