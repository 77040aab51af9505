"""What the pages of replay show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.config import errands
from app.config.answers import answers_of
from app.config.models import Errand
from app.config.pages import Fault, faults_of
from app.core import clock
from app.core.access import Actor
from app.core.errors import Invalid

ANSWERS = [("recorded", "Pages end when somebody answered then"), ("after=5m", "Each incident is answered after 5 minutes"),
           ("after=15m", "After 15 minutes"), ("after=1h", "After an hour"), ("never", "Nobody answers")]


@dataclass(frozen=True)
class ReplaysPage:
    """What to play again, and what was played lately."""

    recent: list[Errand]
    since: str
    until: str
    answers: list[tuple[str, str]]
    typed: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """One page of an incident: when, at which level, to whom, and what became of it."""

    at: datetime
    level: int
    email: str
    channel: str
    word: str
    before: datetime | None = None


@dataclass(frozen=True)
class Incident:
    """One incident that would be paged otherwise: by which policy before and after, and its pages."""

    title: str
    delivery: str
    was: str
    now: str
    cause: str
    steps: list[Step]


@dataclass(frozen=True)
class ReplayPage:
    """One replay: how far it is, or what it came to."""

    errand: Errand
    since: datetime
    until: datetime
    answers: str
    incidents: list[Incident]


def replays_page(by: Actor, *, typed: Mapping[str, str] | None = None, invalid: Invalid | None = None) -> ReplaysPage:
    """The form: the last seven days unless something else was typed."""
    now, said = clock.now(), typed or {}
    refused = invalid.detail if invalid is not None and not invalid.problems else ""
    return ReplaysPage(errands.recent("replay", by), said.get("since") or f"{now - timedelta(days=7):%Y-%m-%dT%H:%M}",
                       said.get("until") or f"{now:%Y-%m-%dT%H:%M}", ANSWERS, said, refused, faults_of(invalid))


def replay_page(errand: Errand) -> ReplayPage:
    """One replay."""
    said = errand.said
    return ReplayPage(errand, clock.parse_instant(said["since"]), clock.parse_instant(said["until"]),
                      answers_of(said["answers"]).words, [_incident(one) for one in errand.found.get("differences", [])])


def _incident(one: Mapping[str, Any]) -> Incident:
    steps = [_step(page, word) for word in ("added", "removed") for page in one[word]]
    steps += [_step(after, "moved", before) for before, after in one["moved"]]
    same = [page for page in (one["now"] or {"pages": []})["pages"]
            if page not in one["added"] and page not in [after for _, after in one["moved"]]]
    steps += [_step(page, "same") for page in same]
    return Incident(one["title"], one["delivery"], _side(one["was"], one.get("was_note", "")),
                    _side(one["now"], one.get("now_note", "")), one.get("cause", ""),
                    sorted(steps, key=lambda step: (step.at, step.email)))


def _step(page: Mapping[str, Any], word: str, before: Mapping[str, Any] | None = None) -> Step:
    return Step(_at(page["at"]), page["level"], page["email"], page["channel"], word, _at(before["at"]) if before else None)


def _side(side: Mapping[str, Any] | None, note: str) -> str:
    if side is None:
        return f"opens nothing: {note}" if note else "opens nothing"
    place = f"{side['service'] or 'no service'}, {side['policy'] or 'no policy'}"
    return f"{place} ({side['route']})" if side.get("route") else place


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
