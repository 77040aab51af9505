"""The page of the log: rows as people read them, each with what was before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from app.core import chain, clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.events import KINDS, Event, sentence
from app.core.paging import paged
from app.identity import audit
from app.identity.models import Team
from app.identity.queries import managed_teams, may

RECENT = 500
WORDS = {"person": "by", "actor": "by", "address": "from address", "from": "since", "to": "until"}


@dataclass(frozen=True)
class Change:
    """One value that an event changed."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Row:
    """One event, with what there is to open."""

    event: Event
    text: str
    changes: list[Change]
    details: list[tuple[str, str]]


@dataclass(frozen=True)
class AuditPage:
    """The rows that fit the filters, the filters, and whether the chain over the newest rows is whole."""

    rows: list[Row]
    next: str | None
    filters: Mapping[str, str]
    kinds: list[str]
    teams: list[tuple[str, str]]
    errors: Mapping[str, str]
    all_teams: bool
    chain: chain.Verdict | None
    sealed: int

    def url(self, path: str = "/audit", **more: str | None) -> str:
        """An address with these filters."""
        chosen = {**self.filters, **{name: value for name, value in more.items() if value}}
        return f"{path}?{urlencode(chosen)}" if chosen else path

    @property
    def chips(self) -> list[tuple[str, str]]:
        """Each filter in words, with the address without it."""
        return [(f"{WORDS.get(name, name)} {value}", self._without(name)) for name, value in self.filters.items()]

    def _without(self, name: str) -> str:
        rest = {other: value for other, value in self.filters.items() if other != name}
        return f"/audit?{urlencode(rest)}" if rest else "/audit"


def audit_page(by: Actor, args: Mapping[str, str]) -> AuditPage:
    """One page of the log. A filter that can't be read shows nothing, and says so at its field."""
    filters = {name: args[name].strip() for name in audit.FILTERS if args.get(name, "").strip()}
    errors: dict[str, str] = {}
    whole = may(by, "admin")
    verdict = chain.verify(last=RECENT) if whole else None  # first: it ends the transaction, and with it what was read
    found: dict[str, Any] = {"items": [], "next": None}
    try:
        found = paged(audit.facts(by, filters), args, by=(Event.id,), descending=True, show=_row)
    except Invalid as refusal:
        errors = {problem.field: problem.message for problem in refusal.problems}
    managed = managed_teams(by)
    teams = select(Team.key, Team.name).order_by(Team.name)
    if managed is not None:
        teams = teams.where(Team.id.in_(managed))
    return AuditPage(found["items"], found["next"], filters, sorted(KINDS), [(key, name) for key, name in
                     session.execute(teams)], errors, whole, verdict, chain.length() if whole else 0)


def _row(event: Event) -> Row:
    data = dict(event.data)
    before, after = data.pop("before", None), data.pop("after", None)
    details = [(name, _text(value)) for name, value in data.items() if value not in (None, "", [])]
    about = [("Kind", event.kind), ("Subject", event.subject), ("Also", ", ".join(event.also)),
             ("Address", event.ip), ("Program", event.agent), ("Time", clock.rfc3339(event.at) or "")]
    details += [(name, text) for name, text in about if text]
    return Row(event, sentence(event), changes_of(before, after), details)


def changes_of(before: Any, after: Any) -> list[Change]:
    """The values that differ, by name; a whole new thing has no before."""
    former, latter = (found if isinstance(found, dict) else {} if found is None else {"value": found}
                      for found in (before, after))
    names = [name for name in {**former, **latter} if former.get(name) != latter.get(name)]
    return [Change(name, _text(former.get(name)), _text(latter.get(name))) for name in names]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
