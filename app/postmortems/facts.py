"""The facts of a postmortem: which incidents and services, how bad, when what happened, who took part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.db import session
from app.core.events import Event
from app.incidents.models import Alert, Incident
from app.incidents.rules import worst
from app.postmortems.models import Postmortem
from app.postmortems.rules import Content, span_text

SIGNALS = 50
KINDS = {"assignee": "had it", "responder": "helped", "paged": "was paged"}


@dataclass(frozen=True)
class Facts:
    """What is known; moments are None where nothing was recorded. `decided` names those that a person set."""

    incidents: list[dict[str, Any]]
    services: list[dict[str, Any]]
    tags: list[str]
    team: str
    severity: str
    impact: str
    impact_from: datetime | None
    impact_to: datetime | None
    detected_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    mitigated_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str
    people: list[dict[str, str]]
    signals: list[dict[str, Any]]
    resolution: str = ""
    decided: list[str] = field(default_factory=list)

    def span(self, name: str) -> float | None:
        """Seconds from the start of the impact (to detect) or from detection to `name`; the impact's own length."""
        start, end = {
            "detect": (self.impact_from, self.detected_at), "acknowledge": (self.detected_at, self.acknowledged_at),
            "mitigate": (self.detected_at, self.mitigated_at), "resolve": (self.detected_at, self.resolved_at),
            "impact": (self.impact_from, self.impact_to)}[name]
        return max(0.0, (end - start).total_seconds()) if start and end else None

    def said(self, name: str) -> str:
        """The same as people say it."""
        return span_text(self.span(name))

    def document(self) -> dict[str, Any]:
        """As it is kept in a version and told to machines."""
        kept = {name: clock.rfc3339(value) if isinstance(value, datetime) else value
                for name, value in asdict(self).items()}
        return {**kept, "durations": {name: self.span(name) for name in (
            "detect", "acknowledge", "mitigate", "resolve", "impact")}}


AT = ("impact_from", "impact_to", "detected_at", "acknowledged_at", "mitigated_at", "resolved_at")


def thawed(kept: Mapping[str, Any]) -> Facts:
    """The facts that a version keeps."""
    values = {name: value for name, value in kept.items() if name != "durations"}
    return Facts(**{**values, **{name: _moment(values[name]) for name in AT}})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def facts_of(postmortem: Postmortem, said: Content) -> Facts:
    """As things stand now."""
    return gathered(postmortem.incidents, said, postmortem.team.name if postmortem.team else "")


def gathered(incidents: Sequence[Incident], said: Content, team: str) -> Facts:
    """The facts of these incidents, with what people decided in `said`."""
    signals, taken = _signals(incidents), _taken(incidents)
    began = [at for one in incidents for at in (_began(one.id, signals), one.opened_at) if at]
    over = [one.resolved_at for one in incidents]
    last = max(incidents, key=lambda one: one.resolved_at or one.opened_at)
    resolved = max((at for at in over if at), default=None) if all(over) else None
    services = {one.service.key: {"key": one.service.key, "name": one.service.name} for one in incidents if one.service}
    return Facts(
        incidents=[{"id": one.id, "title": one.title, "severity": one.severity, "status": one.status,
                    "service": one.service.name if one.service else ""} for one in incidents],
        services=list(services.values()), team=team, severity=worst(one.severity for one in incidents), impact=said.impact,
        tags=sorted({tag for one in incidents if one.service for tag in one.service.tags}),
        impact_from=_moment(said.impact_from) or min(began), impact_to=_moment(said.impact_to) or resolved,
        detected_at=min(one.opened_at for one in incidents), acknowledged_at=taken.at if taken else None,
        acknowledged_by=taken.actor_name if taken else "", mitigated_at=_moment(said.mitigated_at), resolved_at=resolved,
        resolved_by=(last.resolved_name or "") if resolved else "", people=_people(incidents), signals=[
            {**one, "first": clock.rfc3339(one["first"]), "last": clock.rfc3339(one["last"])} for one in signals],
        resolution=" ".join(one.resolution_note for one in incidents if one.resolution_note),
        decided=[name for name in ("impact_from", "impact_to", "mitigated_at") if getattr(said, name)])


def _signals(incidents: Iterable[Incident]) -> list[dict[str, Any]]:
    """What the senders said, grouped by title: how often, from when to when; the oldest first."""
    rows = session.execute(select(
        Alert.incident_id, Alert.title, func.sum(Alert.count), func.min(func.coalesce(Alert.event_at, Alert.first_seen)),
        func.min(Alert.first_seen), func.max(Alert.last_seen)).where(
        Alert.incident_id.in_([one.id for one in incidents])).group_by(Alert.incident_id, Alert.title))
    found = [{"incident": number, "title": title, "count": int(count), "began": began, "first": first, "last": end}
             for number, title, count, began, first, end in rows]
    found.sort(key=lambda one: (one["first"], one["title"]))
    return [{**one, "began": clock.rfc3339(one["began"])} for one in found[:SIGNALS]]


def _began(number: int, signals: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When the sender says that it began; a clock that is a day off is not believed."""
    said = [(_moment(one["began"]), one["first"]) for one in signals if one["incident"] == number]
    return min((began if began and abs((first - began).total_seconds()) < 86400 else first for began, first in said),
               default=None)


def _taken(incidents: Iterable[Incident]) -> Event | None:
    """The first acknowledgement that was recorded."""
    return session.scalars(select(Event).where(
        Event.subject.in_([one.ref for one in incidents]), Event.kind == "incident.acknowledged")
        .order_by(Event.at, Event.id).limit(1)).first()


def _people(incidents: Iterable[Incident]) -> list[dict[str, str]]:
    """Who took part, each once, with the roles they had."""
    found: dict[str, list[str]] = {}
    for one in incidents:
        for role in one.roles:
            found.setdefault(role.user.name, []).append(role.name)
        for responder in one.responders:
            found.setdefault(responder.user.name, []).append(KINDS.get(responder.kind, responder.kind))
        for ref, name, what in ((one.acknowledged_by, one.acknowledged_name, "acknowledged"),
                                (one.resolved_by, one.resolved_name, "resolved")):
            if name and ref and ref.startswith("user:"):
                found.setdefault(name, []).append(what)
    return [{"name": name, "role": ", ".join(dict.fromkeys(roles))} for name, roles in found.items()]


def known(facts: Facts) -> dict[str, str]:
    """What the variables of a template stand for."""
    def at(moment: datetime | None) -> str:
        return moment.strftime("%-d %B %Y, %H:%M UTC") if moment else ""
    def times(number: int) -> str:
        return "once" if number == 1 else f"{number} times"
    return {
        "title": facts.incidents[0]["title"], "incidents": ", ".join(f"#{one['id']}" for one in facts.incidents),
        "services": ", ".join(one["name"] for one in facts.services), "team": facts.team, "severity": facts.severity,
        "impact_from": at(facts.impact_from), "impact_to": at(facts.impact_to), "detected": at(facts.detected_at),
        "acknowledged": at(facts.acknowledged_at), "acknowledged_by": facts.acknowledged_by,
        "mitigated": at(facts.mitigated_at), "resolved": at(facts.resolved_at), "duration": facts.said("impact"),
        "people": ", ".join(one["name"] for one in facts.people), "resolution": facts.resolution,
        "signals": "\n".join(f"- {one['title']} ({times(one['count'])})" for one in facts.signals)}
