"""Reads on the whole log: who did what, for those whose business it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, String, cast, false, literal, or_, select

from app.core.access import Actor
from app.core.clock import parse_instant
from app.core.errors import Forbidden, Invalid, Problem
from app.core.events import Event
from app.identity.queries import managed_teams, may_anywhere
from app.incidents.models import Incident
from app.incidents.queries import entry_document


def facts(by: Actor, args: Mapping[str, str]) -> Select[Any]:
    """The facts the actor may read, narrowed to kind (`incident.*`), actor, subject, from and to.

    Admins read all, managers what concerns their teams. Raises Forbidden, Invalid.
    """
    if not may_anywhere(by, "audit.read"):
        raise Forbidden("Your role does not include this.")
    for name in ("kind", "actor", "subject"):
        if "\0" in args.get(name, ""):
            raise Invalid(problems=[Problem(name, "not a usable text")])
    query = _narrowed(select(Event), args)
    teams = managed_teams(by)
    return query if teams is None else query.where(_of_teams(teams))


def _of_teams(teams: set[int]) -> Any:
    refs = [f"team:{team}" for team in teams]
    incidents = select(literal("incident:") + cast(Incident.id, String)).where(Incident.team_id.in_(teams))
    named = [cast(Event.also, String).like(f'%"{ref}"%') for ref in refs]
    return or_(false(), Event.subject.in_(refs), Event.subject.in_(incidents), *named)


def _narrowed(query: Select[Any], args: Mapping[str, str]) -> Select[Any]:
    if kind := args.get("kind"):
        query = query.where(Event.kind.like(kind.replace("_", "\\_").replace("*", "%"), escape="\\") if "*" in kind
                            else Event.kind == kind)
    for column, name in ((Event.actor, "actor"), (Event.subject, "subject")):
        if args.get(name):
            query = query.where(column == args[name])
    for name, compare in (("from", Event.at.__ge__), ("to", Event.at.__lt__)):
        if args.get(name):
            query = query.where(compare(_instant(name, args[name])))
    return query


def _instant(name: str, text: str) -> Any:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        raise Invalid(problems=[Problem(name, f"{name} is not a time like 2026-03-01T09:00:00Z")]) from None


def fact_document(event: Event) -> dict[str, Any]:
    """A fact as auditors get it: also what else it concerns and where the actor was."""
    return {**entry_document(event), "also": event.also, "ip": event.ip, "agent": event.agent}
