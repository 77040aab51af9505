"""Reads on the whole log: who did what, for those whose business it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, String, cast, false, literal, or_, select

from app.core import clock
from app.core.access import Actor
from app.core.clock import parse_instant
from app.core.db import session
from app.core.errors import Forbidden, Invalid, Problem
from app.core.events import Event, sentence
from app.core.jobs import function
from app.identity.queries import managed_teams, may_anywhere, team_by_key, user_by_email

FILTERS = ("person", "actor", "kind", "subject", "team", "address", "from", "to")
COLUMNS = ("id", "at", "kind", "actor", "actor_name", "subject", "text", "ip", "agent", "also", "data", "request_id")
BATCH = 1000


def facts(by: Actor, args: Mapping[str, str]) -> Select[Any]:
    """The facts the actor may read, narrowed to person (an e-mail address), actor (a reference), kind (`incident.*`),
    subject, team (a key), address (`192.0.2.*`), from and to.

    Admins read all, managers what concerns their teams. Raises Forbidden, Invalid.
    """
    if not may_anywhere(by, "audit.read"):
        raise Forbidden("Your role does not include this.")
    for name in FILTERS:
        if "\0" in args.get(name, ""):
            raise Invalid(problems=[Problem(name, "not a usable text")])
    query = _narrowed(select(Event), args)
    teams = managed_teams(by)
    if args.get("team"):
        team = team_by_key(args["team"])
        wanted = {team.id} if team is not None else set()
        query = query.where(_of_teams(wanted if teams is None else wanted & teams))
    return query if teams is None else query.where(_of_teams(teams))


def _of_teams(teams: set[int]) -> ColumnElement[bool]:
    """What happened to the teams, to their things, or names them beside its subject."""
    refs = [f"team:{team}" for team in sorted(teams)]
    owned: Mapping[str, str] = current_app.extensions["owned"]
    models = {noun: function(path) for noun, path in owned.items()}
    theirs = [Event.subject.in_(select(literal(f"{noun}:") + cast(model.id, String)).where(model.team_id.in_(teams)))
              for noun, model in models.items()]
    named = [cast(Event.also, String).like(f'%"{ref}"%') for ref in refs]
    return or_(false(), Event.subject.in_(refs), *theirs, *named)


def _narrowed(query: Select[Any], args: Mapping[str, str]) -> Select[Any]:
    for column, name in ((Event.kind, "kind"), (Event.ip, "address")):
        if text := args.get(name, "").strip():
            query = query.where(column.like(text.replace("_", "\\_").replace("%", "\\%").replace("*", "%"), escape="\\")
                                if "*" in text else column == text)
    for column, name in ((Event.actor, "actor"), (Event.subject, "subject")):
        if args.get(name):
            query = query.where(column == args[name].strip())
    if args.get("person"):
        person = user_by_email(args["person"])
        query = query.where(Event.actor == person.ref if person is not None else false())
    for name, compare in (("from", Event.at.__ge__), ("to", Event.at.__lt__)):
        if args.get(name):
            query = query.where(compare(_instant(name, args[name])))
    return query


def _instant(name: str, text: str) -> Any:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        raise Invalid(problems=[Problem(name, f"{name} is not a time like 2026-03-01T09:00:00Z")]) from None


def document(event: Event) -> dict[str, Any]:
    """A fact as auditors get it: also what else it concerns and where the actor was."""
    kind, _, key = event.actor.partition(":")
    return {"id": str(event.id), "at": clock.rfc3339(event.at), "kind": event.kind,
            "actor": {"kind": kind, "id": key, "name": event.actor_name}, "subject": event.subject,
            "text": sentence(event), "data": event.data, "also": event.also, "ip": event.ip, "agent": event.agent,
            "request_id": event.request_id or None}


def every(query: Select[Any]) -> Iterator[Event]:
    """All rows of the query, newest first, a batch at a time; what is added meanwhile is not among them."""
    before: int | None = None
    while True:
        batch = query if before is None else query.where(Event.id < before)
        rows = list(session.scalars(batch.order_by(Event.id.desc()).limit(BATCH)))
        yield from rows
        if len(rows) < BATCH:
            return
        before = rows[-1].id
        session.expunge_all()
