"""Many incidents at once, saved views and the search for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, request

from app.core import clock
from app.core.access import Actor, access, own_transaction
from app.core.db import session
from app.core.errors import Forbidden, Invalid, NotFound, Problem
from app.core.openapi import PROBLEM, operation, query, sent
from app.core.web import actor
from app.identity.models import User
from app.identity.queries import may_anywhere, may_see, team_by_key
from app.incidents import bulk, forms, merging, palette, schemas, service, views
from app.incidents.models import BulkMove, Incident, SavedView

blueprint = Blueprint("incident_bulk_api", __name__)
VIEWS = {200: {"type": "array", "items": schemas.VIEW}}
HITS = {200: {"type": "array", "items": schemas.HIT}}


@blueprint.post("/incidents/bulk")
@access("incident.act")
@own_transaction
@operation("The same for up to 200 incidents, each by itself; what was refused is told", request=schemas.MANY,
           responses={200: schemas.MOVED})
def many() -> dict[str, Any]:
    """Do one thing to many."""
    by = _somebody()
    values = sent(request)
    move = bulk.run(values["action"], bulk.numbers(values["incidents"]), _command(values, by), by=by)
    return {"id": str(move.id), "action": move.what, "done": [str(one["id"]) for one in move.done],
            "refused": move.refused, "undo_until": clock.rfc3339(bulk.undo_until(move))}


@blueprint.post("/incidents/undo")
@access("incident.act")
@own_transaction
@operation("Take back what one bulk move did, within 10 seconds, without paging anew", request=schemas.UNDO,
           responses={200: schemas.MOVED, 409: PROBLEM})
def undo() -> dict[str, Any]:
    """Take it back."""
    by = _somebody()
    key = sent(request)["id"]
    back, changed = bulk.undo(key, by=by)
    move: BulkMove = bulk.move_for(key, by)
    return {"id": str(move.id), "action": move.what, "done": [str(one) for one in back], "undo_until": None,
            "refused": [{"id": str(one), "reason": "It was changed since"} for one in changed]}


def _somebody() -> Actor:
    by = actor()
    if by.user_id is None or not may_anywhere(by, "incident.act"):
        raise Forbidden("Your role does not include this.")
    return by


def _command(values: Mapping[str, Any], by: Actor) -> Callable[[Incident, Actor], Any]:
    """The command with what was sent, read once for all. Raises Invalid for what is missing."""
    what = values["action"]
    if what == "snooze":
        until = forms.until(values)
        return lambda one, who: service.snooze(one, until, by=who)
    if what == "assign":
        people = [person.id for person in forms.people(values.get("assignees", ()), "assignees")]
        return lambda one, who: service.assign(one, [session.get_one(User, key) for key in people], by=who)
    if what == "merge":
        if "into" not in values:
            raise Invalid(problems=[Problem("into", "Name the incident into which they go")])
        into = forms.target({"number": str(values["into"])}, by).id
        return lambda one, who: merging.merge(one, session.get_one(Incident, into), by=who)
    if what == "resolve":
        return lambda one, who: service.resolve(one, by=who, note=values.get("note", ""))
    return lambda one, who: service.acknowledge(one, by=who)


def _shown(view: SavedView) -> dict[str, Any]:
    return {"id": str(view.id), "name": view.name, "query": view.query, "team": view.team.key if view.team else None,
            "url": views.address(view)}


@blueprint.get("/incidents/views")
@access("incident.read")
@operation("Your saved views and those of your teams", responses=VIEWS)
def all_views() -> list[dict[str, Any]]:
    """The saved views."""
    return [_shown(view) for view in views.views(actor())]


@blueprint.post("/incidents/views")
@access("incident.read")
@operation("Save a view; the same name once more replaces it", request=schemas.VIEW_WANTED, responses={200: schemas.VIEW})
def save_view() -> dict[str, Any]:
    """Save a view."""
    by = actor()
    if not may_anywhere(by, "incident.read"):
        raise Forbidden("Your role does not include this.")
    values = sent(request)
    team = team_by_key(values["team"]) if values.get("team") else None
    if values.get("team") and (team is None or not may_see(by, team.id)):
        raise Invalid(problems=[Problem("team", f"There is no team {values['team']}")])
    return _shown(views.save_view(values["name"], values["query"], team, by=by))


@blueprint.delete("/incidents/views/<view>")
@access("incident.read")
@operation("Remove a saved view", responses={204: None})
def remove_view(view: str) -> tuple[str, int]:
    """Remove a view."""
    by = actor()
    if not may_anywhere(by, "incident.read"):
        raise NotFound("There is no such view")
    views.remove_view(views.view_for(view, by), by=by)
    return "", 204


@blueprint.get("/search")
@access("incident.read")
@operation("Incidents, services, people, teams and schedules that fit the words", responses=HITS,
           parameters=(query("q", "Number, or part of a title or name"),))
def search() -> list[dict[str, Any]]:
    """What fits the words."""
    by = actor()
    if not may_anywhere(by, "incident.read"):
        raise Forbidden("Your role does not include this.")
    found = palette.find(request.args.get("q", ""), by, ())
    return [{"kind": hit.kind, "text": hit.text, "sub": hit.sub, "url": hit.url}
            for _, hits in found.groups for hit in hits if not hit.press]
