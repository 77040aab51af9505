"""What is wrong with a trigger; and what a fault is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.forms import duration
from app.core.schedules import cron_fault
from app.incidents.rules import SEVERITIES
from app.workflows import conditions
from app.workflows.rules import AGE, TRIGGER

STATES = ("triggered", "acknowledged", "resolved")
EVENTS = ("incident_opened", "state_changed", "severity_changed", "escalated", "age", "schedule", "manual")
TRIGGER_KEYS = {"state_changed": {"from", "to"}, "severity_changed": {"from", "to"}, "age": {"after", "states"},
                "schedule": {"cron", "time_zone"}}
KIND = re.compile(r"[a-z_]+\.([a-z_]+|\*)")
ROOTS = frozenset({"incident", "event", "team", "service", "workflow", "run", "steps", "now"})
TRIGGER_ROOTS = ROOTS - {"steps", "run"}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the node ("" for the whole, `trigger`), the path below the workflow, and a sentence."""

    node: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.node}: {self.message}" if self.node else self.message


def span_fault(text: Any, span: tuple[int, int], sentence: str) -> str:
    """Why a duration is not within `span` seconds, as `sentence` or as the reader of durations says it; "" when it is."""
    try:
        return "" if span[0] <= duration(text) <= span[1] else sentence
    except ValueError as fault:
        return str(fault)


def trigger_faults(trigger: Any) -> Iterator[Fault]:
    """What is wrong with a trigger."""
    if not isinstance(trigger, Mapping) or not trigger.get("event"):
        several = isinstance(trigger, list) and len(trigger) > 1
        yield Fault(TRIGGER, "trigger", "A workflow has one trigger, not several" if several else "A trigger is needed")
        return
    event = trigger["event"]
    if event not in EVENTS and not (isinstance(event, str) and KIND.fullmatch(event)):
        yield Fault(TRIGGER, "trigger.event", f"There is no trigger {event}; there are {', '.join(EVENTS)}, and the name of "
                    "any fact in the log, such as incident.note_added")
        return
    unknown = set(trigger) - {"event", "when"} - TRIGGER_KEYS.get(event, set())
    if unknown:
        yield Fault(TRIGGER, "trigger", f"This trigger knows no {', '.join(sorted(unknown))}")
    yield from _detail_faults(event, trigger)
    for place, message in conditions.faults(trigger.get("when"), TRIGGER_ROOTS):
        yield Fault(TRIGGER, f"trigger.{place}", message)


def _detail_faults(event: str, trigger: Mapping[str, Any]) -> Iterator[Fault]:
    words = STATES if event in ("state_changed", "age") else SEVERITIES
    for name in ("from", "to", "states"):
        values = trigger.get(name) or []
        if not isinstance(values, list) or any(value not in words for value in values):
            yield Fault(TRIGGER, f"trigger.{name}", f"Write some of {', '.join(words)}")
    if event == "age" and (fault := span_fault(trigger.get("after"), AGE, "An age is 1m to 30d")):
        yield Fault(TRIGGER, "trigger.after", fault)
    if event == "schedule" and (fault := cron_fault(trigger.get("cron"), trigger.get("time_zone") or "UTC")):
        yield Fault(TRIGGER, "trigger.cron", fault)
