"""What may become of runbooks and executions, when the next attempt is, and what an edit changes. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from statistics import median
from typing import Any

STATES = ("draft", "approved", "deprecated")
EXECUTION_STATES = ("pending", "running", "succeeded", "failed", "timed_out", "cancelled")
OPEN = ("pending", "running")
FINAL = ("succeeded", "failed", "timed_out", "cancelled")
WAITS = ("response", "callback", "follow")
CONCURRENCIES = ("per_incident", "single", "unlimited")

# What a move is called, and from where it may be made.
MOVES: dict[str, frozenset[str]] = {
    "approve": frozenset({"draft"}), "send_back": frozenset({"draft"}), "deprecate": frozenset({"draft", "approved"}),
    "revive": frozenset({"deprecated"}), "change": frozenset({"draft", "approved"}),
}
# An edit of these drops the approval; name, description and services may change under it.
MATERIAL = ("team", "target", "config", "payload", "parameters", "timeout", "retries", "wait_for", "concurrency")
FIELDS = ("name", "description", *MATERIAL, "services")

TIMEOUT = (5, 6 * 3600)
DEFAULT_TIMEOUT = 300
GAPS = (1, 2, 4)
FOLLOW_FIRST, FOLLOW_MOST = 5.0, 30.0
OUTPUT, SHOWN, LINES, LINE = 64 * 1024, 4 * 1024, 1000, 1000
ROOTS = ("params", "incident", "service", "team", "secret", "runbook", "execution", "person", "now")


def may_become(state: str, move: str) -> bool:
    """Whether a runbook in this state can be moved so."""
    return state in MOVES[move]


def drops_approval(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the approval of `before` says nothing of `after`."""
    return any(before.get(name) != after.get(name) for name in MATERIAL)


def gap(attempts: int, retries: int) -> int | None:
    """Seconds until the next call after so many, None when there is none."""
    return GAPS[attempts - 1] if attempts <= min(retries, len(GAPS)) else None


def follow_in(looks: int) -> float:
    """Seconds until a target is asked again after so many looks: 5 s, rising to 30 s."""
    return min(FOLLOW_FIRST * 1.25 ** looks, FOLLOW_MOST)


def lock_of(concurrency: str, runbook_id: int, incident_id: int | None) -> str | None:
    """What only one open execution holds at a time; None where any number may run."""
    if concurrency == "single":
        return f"runbook:{runbook_id}"
    if concurrency == "per_incident" and incident_id is not None:
        return f"runbook:{runbook_id}/incident:{incident_id}"
    return None


def kept(output: str) -> str:
    """The output as far as it is kept: 64 KiB, the end where it is longer."""
    raw = output.encode("utf-8", "replace")
    return output if len(raw) <= OUTPUT else "…\n" + raw[4 - OUTPUT:].decode("utf-8", "ignore")


def shown(output: str) -> str:
    """What of it stands on a timeline: the first 4 KiB."""
    raw = output.encode("utf-8", "replace")
    return output if len(raw) <= SHOWN else raw[:SHOWN - 4].decode("utf-8", "ignore") + "…"


def with_progress(lines: Sequence[Any], new: Iterable[str], at: datetime) -> list[dict[str, str]]:
    """The progress with further lines: the last 1,000, each of at most 1,000 characters."""
    fresh = [{"at": at.isoformat(), "text": text[:LINE]} for text in new if text.strip()]
    return [*lines, *fresh][-LINES:]


def parsed_output(output: str) -> Any:
    """What a later step can use: the value of output that is JSON, else the text."""
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return output


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What changed between two documents: (mark, line), mark one of `+ - @` and space."""
    one, other = (_lines(document) for document in (before, after))
    return [(line[:1], line[1:]) for line in unified_diff(one, other, lineterm="", n=2) if line[:3] not in ("---", "+++")]


def _lines(document: Mapping[str, Any]) -> list[str]:
    return json.dumps(dict(document), indent=2, ensure_ascii=False).splitlines() if document else []


@dataclass(frozen=True)
class Stats:
    """How executions fared: those that ended, the share that succeeded (cancelled ones apart), seconds they took."""

    runs: int
    good: int
    median: float | None
    p95: float | None

    @property
    def share(self) -> int | None:
        """Per cent that succeeded."""
        return round(100 * self.good / self.runs) if self.runs else None


def stats(ended: Iterable[tuple[str, float]]) -> Stats:
    """Of (state, seconds) of ended executions; what a person cancelled counts for nothing."""
    counted = [(state, seconds) for state, seconds in ended if state != "cancelled"]
    took = sorted(seconds for _, seconds in counted)
    return Stats(len(counted), sum(state == "succeeded" for state, _ in counted), median(took) if took else None,
                 quantile(took, 0.95))


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value at or below which this share of the ordered values lies (nearest rank); None of nothing."""
    return values[max(0, -(-int(share * 1000) * len(values) // 1000) - 1)] if values else None
