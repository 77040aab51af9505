"""Create, read, change and delete whatever can be configured, with the fields of the configuration document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from sqlalchemy.exc import IntegrityError

from app.config import shape
from app.config.document import identity
from app.config.kinds import BY_NAME, Kind, save_whole
from app.core.access import Actor, access
from app.core.db import alone, locked
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.openapi import (
    PAGING,
    PROBLEM,
    component,
    document,
    listing,
    operation,
    sent,
)
from app.core.paging import paged
from app.core.web import actor
from app.identity.queries import allow, may
from app.identity.rules import version_of
from app.ingest.rules import ASK
from app.oncall.queries import refuse_archived
from app.webhooks.queries import shown_address

blueprint = Blueprint("config_api", __name__)
PERSONAL = ("contact_methods", "rules")
SEEN = "With `If-Match` and the `ETag` of an answer, a version that is newer gives 409 with `current` and `yours`."


@dataclass(frozen=True)
class Resource:
    """One kind as the API offers it: its path, its schema, the schema's name, and the action that creates."""

    path: str
    kind: Kind
    schema: dict[str, Any]
    name: str
    create: str


RESOURCES = (
    Resource("users", BY_NAME["users"], shape.USER, "User", "people.edit"),
    Resource("teams", BY_NAME["teams"], shape.TEAM, "Team", "team.create"),
    Resource("schedules", BY_NAME["schedules"], shape.SCHEDULE, "Schedule", "schedule.edit"),
    Resource("escalation-policies", BY_NAME["escalation_policies"], shape.POLICY, "EscalationPolicy", "policy.edit"),
    Resource("services", BY_NAME["services"], shape.SERVICE, "Service", "service.edit"),
    Resource("integrations", BY_NAME["integrations"], shape.INTEGRATION, "Integration", "integration.edit"),
    Resource("heartbeats", BY_NAME["heartbeats"], shape.HEARTBEAT, "Heartbeat", "integration.edit"),
    Resource("connections", BY_NAME["connections"], shape.CONNECTION, "Connection", "connection.edit"),
    Resource("runbooks", BY_NAME["runbooks"], shape.RUNBOOK, "Runbook", "runbook.edit"),
    Resource("maintenance", BY_NAME["maintenance"], shape.MAINTENANCE, "Maintenance", "maintenance.edit"),
    Resource("partners", BY_NAME["partners"], shape.PARTNER, "Partner", "partner.admin"),
    Resource("status-pages", BY_NAME["status_pages"], shape.STATUS_PAGE, "StatusPage", "status_page.edit"),
    Resource("routes", BY_NAME["routes"], shape.ROUTE, "Route", "route.edit"),
    Resource("workflows", BY_NAME["workflows"], shape.WORKFLOW, "Workflow", "workflow.edit"),
    Resource("rooms", BY_NAME["rooms"], shape.CHAT_ROOM, "Room", "team.edit"),
    Resource("webhooks", BY_NAME["webhooks"], shape.WEBHOOK, "Webhook", "webhook.edit"),
)


@blueprint.get("/openapi.json")
@access("public")
def openapi() -> Response:
    """The description of every call."""
    return jsonify(document(current_app))


def _list(kind: Kind) -> Any:
    by = actor()
    query = kind.query(by)
    entity = query.column_descriptions[0]["entity"]
    return paged(query, request.args, by=(getattr(entity, kind.id),), show_all=lambda things: _all_shown(kind, things, by))


def _one(kind: Kind, key: str) -> Any:
    return _marked(kind, _found(kind, key, actor(), kind.read))


def _create(kind: Kind) -> Any:
    values = sent(request)
    alone(f"new {kind.name}")  # of two at once the second finds what the first made
    if kind.find(values[kind.id]) is not None:
        raise Conflict(f"There is a {kind.noun} {values[kind.id]} already")
    return _shown(kind, _saved(kind, values), actor()), 201


def _change(kind: Kind, key: str) -> Any:
    thing = _found(kind, key, actor(), kind.edit)
    _refuse_put_away(kind, thing)
    values = _named(kind, kind.key(thing), sent(request))
    _check_seen(kind, thing, values)
    return _marked(kind, _saved(kind, values))


def _replace(kind: Kind, key: str, defaults: Mapping[str, Any]) -> Any:
    """The same as creating where there is nothing yet; what is left out gets its default."""
    thing = _found(kind, key, actor(), kind.edit)
    _refuse_put_away(kind, thing)
    values = _named(kind, kind.key(thing), sent(request))
    _check_seen(kind, thing, values)
    return _marked(kind, _saved(kind, {**defaults, **values}))


def _delete(kind: Kind, key: str) -> Any:
    kind.remove(_found(kind, key, actor(), kind.edit), by=actor())
    return "", 204


def _found(kind: Kind, key: str, by: Actor, action: str) -> Any:
    """The object, if `by` may do `action` with it. Raises NotFound or Forbidden, before any body is read."""
    thing = kind.find(key) if "\0" not in key else None
    if thing is None:
        raise NotFound
    if kind.name == "users":
        own = thing.id == by.user_id and action == "people.edit"
        allow(by, "own.edit" if own else action)
    else:
        allow(by, action, team_id=thing.id if kind.name == "teams" else thing.team_id)
    return thing


def _refuse_put_away(kind: Kind, thing: Any) -> None:
    """Raise Conflict for what is archived and can be restored: a change would take it back into use unasked."""
    if kind.name == "schedules":
        refuse_archived(thing)


def _check_seen(kind: Kind, thing: Any, values: Mapping[str, Any]) -> None:
    """With `If-Match`, only the version that the caller has seen is changed. Raises Conflict with both."""
    if not request.if_match:
        return
    held = locked(type(thing), thing.id) or thing
    if not request.if_match.contains_weak(version_of(kind.document(held))):
        raise Conflict(f"Somebody else changed this {kind.noun} meanwhile. Get it again before you save.",
                       state={"current": _shown(kind, held, actor()), "yours": dict(values)})


def _marked(kind: Kind, thing: Any) -> Response:
    """The object with its version as `ETag`."""
    answer = jsonify(_shown(kind, thing, actor()))
    answer.set_etag(version_of(kind.document(thing)))
    return answer


def _named(kind: Kind, key: str, values: dict[str, Any]) -> dict[str, Any]:
    """The values with the name that the address says; another one in the body is a fault."""
    if kind.id in values and identity(kind.name, values) != key.lower():
        raise Invalid(problems=[Problem(kind.id, f"the {kind.id} of a {kind.noun} never changes")])
    return {**values, kind.id: key}


def _saved(kind: Kind, values: Mapping[str, Any]) -> Any:
    if kind.name == "integrations":
        values = {"open_alerts": ASK, **values}
    try:
        return save_whole(kind, values, by=actor())
    except IntegrityError:
        raise Conflict(f"Somebody else saved a {kind.noun} like this at the same time. Try again.") from None


def _shown(kind: Kind, thing: Any, by: Actor) -> dict[str, Any]:
    """The document of an object; how a person is reached is shown to that person and to admins."""
    return _all_shown(kind, [thing], by)[0]


def _all_shown(kind: Kind, things: Sequence[Any], by: Actor) -> list[dict[str, Any]]:
    return [_uncovered(kind, thing, written, by) for thing, written in zip(things, kind.documents(things), strict=True)]


def _uncovered(kind: Kind, thing: Any, written: dict[str, Any], by: Actor) -> dict[str, Any]:
    if kind.name == "users" and thing.id != by.user_id and not may(by, "people.edit"):
        return {name: value for name, value in written.items() if name not in PERSONAL}
    if kind.name == "webhooks":
        return {**written, "url": shown_address(thing, whole=may(by, kind.edit, team_id=thing.team_id))}
    return written


def _mount(one: Resource) -> None:
    """The six calls of one kind."""
    kind, schema = one.kind, one.schema
    properties = {key: value for key, value in schema["properties"].items() if not value.get("writeOnly")}
    read = component(one.name, {**schema, "required": [kind.id], "properties": properties})
    whole = component(f"{one.name}Values", schema)
    some = component(f"{one.name}Changes", {**schema, "required": []})
    named = component(f"{one.name}Whole", {**schema, "required": [key for key in schema["required"] if key != kind.id]})
    defaults = {key: value["default"] for key, value in schema["properties"].items() if "default" in value}
    change = "own.edit" if kind.name == "users" else kind.edit
    nouns, noun, conflict = one.path.replace("-", " "), kind.noun, {409: PROBLEM}
    call = partial(_call, one)
    call("GET", _list, action=kind.read, said=operation(
        f"All {nouns}", responses={200: listing(read)}, parameters=PAGING, tag=nouns))
    call("POST", _create, action=one.create, said=operation(
        f"Add a {noun}", request=whole, responses={201: read, **conflict}, tag=nouns))
    call("GET", _one, action=kind.read, said=operation(f"One {noun}", responses={200: read}, tag=nouns))
    call("PATCH", _change, action=change, said=operation(
        f"Change what is named of a {noun}", request=some, responses={200: read, **conflict}, tag=nouns, description=SEEN))
    call("PUT", partial(_replace, defaults=defaults), action=change, said=operation(
        f"Change a {noun} as a whole", request=named, responses={200: read, **conflict}, tag=nouns, description=SEEN))
    call("DELETE", _delete, action="team.create" if kind.name == "teams" else kind.edit, said=operation(
        f"Remove a {noun}", responses={204: None, **conflict}, tag=nouns,
        description="What has a history is archived, deactivated or paused instead of deleted."))


def _call(one: Resource, method: str, view: Callable[..., Any], *, action: str, said: Callable[[Any], Any]) -> None:
    """Mount one view; those that take a key stand below the object's own address."""
    plain = getattr(view, "func", view)
    rule = f"/{one.path}" if plain in (_list, _create) else f"/{one.path}/<key>"
    own = update_wrapper(partial(view, one.kind), plain)
    blueprint.add_url_rule(rule, f"{one.kind.name}_{plain.__name__.lstrip('_')}", access(action)(said(own)),
                           methods=[method])


for _resource in RESOURCES:
    _mount(_resource)
