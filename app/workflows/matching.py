"""Which enabled workflows a fact concerns, and the run that each of them begins because of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Text, bindparam, cast, func, or_, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.db import session
from app.core.events import DEEPEST, Event, sentence
from app.identity.models import Team
from app.incidents.models import Incident
from app.workflows import conditions, context, events, history, running
from app.workflows.models import WatchedTeam, Workflow, WorkflowRun
from app.workflows.running import Cause

STATE = frozenset(history.STATUS) - {"incident.opened"}
SEVERITY = frozenset({"incident.severity_raised", "incident.severity_lowered"})
ACTOR = "workflow_run:"
Trigger = Mapping[str, Any]
# All who wait come as one text: hundreds of rows for each fact would be slow, and so would reading them anew.
FIELD, ROW = "\x1f", "\x1e"  # neither names nor JSON hold control characters
ASKED = select(func.aggregate_strings(
    cast(Workflow.id, Text) + FIELD + func.coalesce(cast(Workflow.team_id, Text), "") + FIELD + Workflow.key + FIELD
    + Workflow.name + FIELD + cast(Workflow.trigger, Text), ROW)).where(
    Workflow.enabled, Workflow.archived_at.is_(None), Workflow.event.in_(bindparam("words", expanding=True)),
    Workflow.enabled_at <= bindparam("at"))

WHOLE = (joinedload(Incident.team), joinedload(Incident.service))  # what every condition may ask for


def consider(event: Event) -> list[WorkflowRun]:
    """Begin a run of every enabled workflow whose trigger this fact is. The same fact again begins nothing.

    A refusal begins none, nor does a fact so deep that a run could not record its own.
    """
    if event.kind == events.REFUSED.name or event.depth >= DEEPEST:
        return []
    words = _words(event)
    found = listeners(words, event)
    if not found:
        return []
    incident = _incident_of(event)
    if incident is not None and incident.test:
        return []
    about = About(incident, _said(event, incident, words), event)
    return [run for one in found if about.fits(one) and (run := _begun(one, about)) is not None]


def _words(event: Event) -> list[str]:
    """By which triggers a fact can be waited for."""
    words = [event.kind, f"{event.kind.partition('.')[0]}.*"]
    if event.kind == "incident.opened":
        words.append("incident_opened")
    if event.kind in STATE:
        words.append("state_changed")
    if event.kind in SEVERITY:
        words.append("severity_changed")
    if event.kind == "escalation.level_reached" and (event.data.get("level", 1) > 1 or event.data.get("round", 1) > 1):
        words.append("escalated")
    return words


@dataclass(frozen=True, slots=True)
class Listener:
    """An enabled workflow as far as matching needs it, with its condition made ready.

    `narrow`: not every fact of the kind is one; `own`: the condition names the workflow itself, so its values are its own.
    """

    id: int
    team_id: int | None
    key: str
    name: str
    trigger: Trigger
    narrow: bool
    test: conditions.Test | None
    own: bool


def listeners(words: Iterable[str], event: Event) -> Sequence[Listener]:
    """The workflows that wait for one of these, and were switched on before the fact."""
    return _read(session.scalar(ASKED, {"words": list(words), "at": event.at}) or "")


@lru_cache(64)
def _read(text: str) -> Sequence[Listener]:
    """Those of one answer, oldest first.

    The answer holds everything that matching reads of them, so what is remembered by it is never old, whoever changed what.
    """
    return sorted((_listener(row) for row in text.split(ROW) if row), key=lambda one: one.id)


def _listener(row: str) -> Listener:
    number, team, key, name, text = row.split(FIELD)
    trigger: Trigger = json.loads(text)
    asked, narrow = trigger.get("when"), trigger["event"] == "state_changed" or "from" in trigger or "to" in trigger
    own = any(field.startswith("workflow.") for field in conditions.fields_of(asked))
    return Listener(int(number), int(team) if team else None, key, name, trigger, narrow,
                    conditions.ready(asked) if asked else None, own)


class About:
    """What one fact is about, read once for all who wait for it: whose business it is, and what conditions can name."""

    def __init__(self, incident: Incident | None, said: Mapping[str, Any], event: Event) -> None:
        self.incident, self.said, self.event = incident, said, event
        self.owner = incident.team_id if incident is not None else _team_of(event)

    @cached_property
    def everybodys(self) -> bool:
        """Whether global workflows may act: not on what is a private team's, unless a manager said so."""
        if self.incident is not None:
            return _everybodys(self.incident.team)
        return _everybodys(session.get(Team, self.owner) if self.owner is not None else None)

    @cached_property
    def values(self) -> dict[str, Any]:
        """The incident as it was at the fact, and the fact."""
        then = history.as_of(self.incident, self.event) if self.incident is not None else None
        return context.values(None, self.incident, self.said, then=then)

    @cached_property
    def fields(self) -> conditions.Fields:
        """The values as conditions ask for them."""
        return conditions.Fields(self.values)

    def fits(self, one: Listener) -> bool:
        """Whether the fact is this workflow's business, and what it waits for."""
        if (one.team_id != self.owner) if one.team_id is not None else not self.everybodys:
            return False
        if one.narrow and not _fits(one.trigger, self.said):
            return False
        if one.own:
            return conditions.holds(one.trigger["when"], {**self.values, "workflow": {"key": one.key, "name": one.name}})
        return one.test is None or one.test(self.fields)


def _incident_of(event: Event) -> Incident | None:
    noun, _, key = event.subject.partition(":")
    return session.get(Incident, int(key), options=WHOLE) if noun == "incident" and key.isdecimal() else None


def _said(event: Event, incident: Incident | None, words: Iterable[str]) -> dict[str, Any]:
    """What happened, by name; a change of state says from what to what."""
    said = context.event_values(event)
    if "state_changed" in words and incident is not None:
        said["from"], said["to"] = history.moved(incident, event)
    return said


def _begun(one: Listener, about: About) -> WorkflowRun | None:
    event = about.event
    return running.begin(session.get_one(Workflow, one.id), about.incident, Cause(
        f"event:{event.id}", sentence(event)[:300], about.said, event.id, tuple(chain_of(event))))


def _fits(trigger: Trigger, said: Mapping[str, Any]) -> bool:
    if trigger["event"] == "state_changed" and said["from"] == said["to"]:
        return False
    return _among(trigger.get("from"), said.get("from")) and _among(trigger.get("to"), said.get("to"))


def _among(wanted: Any, found: Any) -> bool:
    return not wanted or found in wanted


def concerns(workflow: Workflow, incident: Incident) -> bool:
    """Whether an incident is the workflow's business: its team's, or anybody's."""
    if incident.test:
        return False
    return incident.team_id == workflow.team_id if workflow.team_id is not None else _everybodys(incident.team)


def _everybodys(team: Team | None) -> bool:
    return team is None or not team.private or session.get(WatchedTeam, team.id) is not None


def _team_of(event: Event) -> int | None:
    named = [ref.partition(":")[2] for ref in (event.subject, *event.also) if ref.startswith("team:")]
    return int(named[0]) if named and named[0].isdecimal() else None


def chain_of(event: Event) -> list[dict[str, Any]]:
    """The runs that led to a fact, oldest first: who did it, or who did what caused it, if that was a run."""
    for fact in _causes(event):
        if fact.actor.startswith(ACTOR):
            run = session.get(WorkflowRun, int(fact.actor.removeprefix(ACTOR)))
            if run is not None:
                return [*run.chain, {"workflow_id": run.workflow_id, "name": run.workflow.name, "run": run.id}]
    return []


def _causes(event: Event) -> Iterable[Event]:
    """The fact, and what caused it, back to the first cause."""
    seen = 0
    fact: Event | None = event
    while fact is not None and seen < 20:
        yield fact
        seen += 1
        fact = session.get(Event, fact.cause_id) if fact.cause_id else None


def wanted_kinds() -> list[str]:
    """The facts for which enabled workflows wait by name, beside those that are dispatched to them."""
    found = session.scalars(select(Workflow.event).where(
        Workflow.enabled, Workflow.archived_at.is_(None), Workflow.event.contains(".")).distinct())
    return [kind for kind in found if not heard(kind)]


def heard(kind: str) -> bool:
    """Whether facts of this kind come by subscription."""
    return fnmatchcase(kind, "incident.*")


def facts_of(kinds: Iterable[str], after: int, limit: int) -> list[Event]:
    """The facts of these kinds after one of the log."""
    tests = [Event.kind.startswith(kind.removesuffix("*")) if kind.endswith("*") else Event.kind == kind for kind in kinds]
    return list(session.scalars(select(Event).where(Event.id > after, or_(*tests)).order_by(Event.id).limit(limit)))


def of_age(workflow: Workflow, trigger: Trigger, incident: Incident) -> WorkflowRun | None:
    """An incident has reached the age that the trigger names: the run, if it is still in one of the states."""
    said = {"kind": "age", "actor": "OnCall", "at": clock.rfc3339(clock.now()), "from": None, "to": None}
    states = trigger.get("states") or ["triggered", "acknowledged"]
    if incident.status not in states or not concerns(workflow, incident):
        return None
    if not conditions.holds(trigger.get("when"), context.values(workflow, incident, said)):
        return None
    return running.begin(workflow, incident, Cause(
        f"age:{incident.id}", f"it has been open for {trigger['after']}", said))
