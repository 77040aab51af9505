"""The requests of a directory, alike for people and teams: found, checked against its version, and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    InvalidSyntaxException,
    InvalidValueException,
    NotFoundException,
    PatchOp,
    PreconditionFailedException,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)
from sqlalchemy import Select, func, select
from werkzeug.datastructures import ETags

from app.core import reading
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Failure, Invalid
from app.identity import rules, scim_filters, scim_groups, scim_people, scim_shapes
from app.identity.models import Team, User
from app.identity.queries import allow

Document = dict[str, Any]
REFUSALS = (SCIMException, ValidationError, Failure)
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@dataclass(frozen=True)
class Shelf:
    """One kind of resource: its shape, its rows, and the commands on them."""

    shape: Any
    row: type[User] | type[Team]
    every: Callable[[], Select[Any]]
    shown: Callable[[Any], Any]
    add: Callable[[Any, Actor], Any]
    change: Callable[[Any, Any, Actor], None]
    take_away: Callable[[Any, Actor], None]


SHELVES = {
    "Users": Shelf(scim_shapes.User, User, scim_people.everybody, scim_people.shown, scim_people.add,
                   scim_people.change, scim_people.take_away),
    "Groups": Shelf(scim_shapes.Group, Team, scim_groups.every_team, scim_groups.shown, scim_groups.add,
                    scim_groups.change, scim_groups.take_away),
}


def listing(kind: str, args: Mapping[str, str], by: Actor) -> Document:
    """A page of the resources that the filter chooses; `totalResults` counts all of them."""
    allow(by, "scim")
    shelf = SHELVES[kind]
    wanted = SearchRequest[shelf.shape].model_validate(dict(args), scim_policy=scim_shapes.POLICY)
    query = shelf.every()
    if wanted.filter is not None:
        query = query.where(*scim_filters.conditions(wanted.filter.ast, kind))
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    first = wanted.start_index or 1
    count = scim_shapes.DEFAULT_COUNT if wanted.count is None else min(wanted.count, scim_shapes.MOST_RESULTS)
    rows = list(session.scalars(query.order_by(shelf.row.id).offset(min(first - 1, total)).limit(count)))
    return {"schemas": [LIST], "totalResults": total, "startIndex": first, "itemsPerPage": len(rows),
            "Resources": [_document(kind, row, args) for row in rows]}


def one(kind: str, key: str, args: Mapping[str, str], by: Actor) -> Document:
    """One resource. Raises NotFoundException."""
    allow(by, "scim")
    return _document(kind, _found(kind, key), args)


def add(kind: str, body: bytes, by: Actor) -> Document:
    """Take in a person or team."""
    by = _directory(by)
    shelf = SHELVES[kind]
    wanted = shelf.shape.model_validate(_read(body), scim_ctx=Context.RESOURCE_CREATION_REQUEST,
                                        scim_policy=scim_shapes.POLICY)
    return _document(kind, shelf.add(wanted, by))


def put(kind: str, key: str, body: bytes, *, by: Actor, match: ETags | None = None) -> Document:
    """Replace a resource by what was sent."""
    by = _directory(by)
    shelf, row = SHELVES[kind], _held(kind, key, match)
    wanted = shelf.shape.model_validate(_read(body), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST,
                                        scim_policy=scim_shapes.POLICY)
    wanted.replace(shelf.shown(row))
    shelf.change(row, wanted, by)
    return _document(kind, row)


def patch(kind: str, key: str, body: bytes, *, by: Actor, match: ETags | None = None) -> Document:
    """Change parts of a resource: all of the operations, or none."""
    by = _directory(by)
    shelf, row = SHELVES[kind], _held(kind, key, match)
    with scim_shapes.POLICY:
        asked = PatchOp[shelf.shape].model_validate(_spread(_read(body)), scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        wanted = shelf.shown(row)
        changed = asked.patch(wanted)
        if kind == "Users" and wanted.active is None:
            raise InvalidValueException(detail="active can't be removed: it is true or false")
    if changed:
        shelf.change(row, wanted, by)
    return _document(kind, row)


def remove(kind: str, key: str, *, by: Actor, match: ETags | None = None) -> None:
    """Take a person's access or a team's use away; from then on the directory gets 404."""
    by = _directory(by)
    SHELVES[kind].take_away(_held(kind, key, match), by)


def _directory(by: Actor) -> Actor:
    """The scope `scim` is the permission for these commands, and for them alone; the owner's role stays asked."""
    allow(by, "scim")
    return replace(by, scopes=None)


def _found(kind: str, key: str) -> Any:
    query = SHELVES[kind].every().where(SHELVES[kind].row.id == (int(key) if scim_filters.is_key(key) else 0))
    row = session.scalar(query)
    if row is None:
        raise NotFoundException(detail=f"There is no {kind[:-1].lower()} {key}")
    return row


def _held(kind: str, key: str, match: ETags | None) -> Any:
    """The row, ours until the transaction ends: of fifty patches at once, each sees what the former left."""
    row = locked(SHELVES[kind].row, _found(kind, key).id)
    session.refresh(row, ["memberships"])
    if match and not match.contains_weak(version(_document(kind, row))):
        raise PreconditionFailedException(detail="Somebody else changed it meanwhile. Get it again first")
    return row


def _read(body: bytes) -> Document:
    try:
        found = reading.parse_json(body)
    except reading.Rejected as fault:
        raise InvalidSyntaxException(detail=fault.reason) from None
    if not isinstance(found, dict):
        raise InvalidSyntaxException(detail="The body must be an object")
    return found


def _spread(message: Document) -> Document:
    """A value without path may be named by paths with filters (`emails[type eq "work"].value`): each is made an
    operation of its own, for nothing that was asked may be passed over in silence."""
    spread: list[Any] = []
    for operation in reading.sequence(message.get("Operations")):
        value = operation.get("value") if isinstance(operation, dict) and not operation.get("path") else None
        deep = {name: value[name] for name in value if "[" in name} if isinstance(value, dict) else {}
        rest = {name: value[name] for name in value if name not in deep} if isinstance(value, dict) else {}
        spread += [{"op": operation["op"], "path": name, "value": item} for name, item in deep.items()]
        if not deep or rest:
            spread.append({**operation, "value": rest} if deep else operation)
    return {**message, "Operations": spread} if "Operations" in message else message


def _document(kind: str, row: Any, args: Mapping[str, str] | None = None) -> Document:
    shelf = SHELVES[kind]
    resource = shelf.shown(row)
    whole: Document = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    resource.meta.location = f"{current_app.config['BASE_URL']}/scim/v2/{kind}/{row.id}"
    resource.meta.version = f'W/"{rules.version_of(whole)}"'
    chosen = {name: args[name] for name in ("attributes", "excludedAttributes") if args and args.get(name)}
    asked = ResponseParameters[shelf.shape].model_validate(chosen, scim_policy=scim_shapes.POLICY)
    document: Document = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=asked)
    document.setdefault("meta", {"version": resource.meta.version, "location": resource.meta.location})
    return document


def version(document: Document) -> str:
    """The bare entity tag of a resource."""
    return str(document["meta"]["version"])[3:-1]


def described(what: str, key: str = "") -> Document:
    """What this service says of itself: ServiceProviderConfig, ResourceTypes or Schemas, all or one of them."""
    base = f"{current_app.config['BASE_URL']}/scim/v2/{what}"
    if what == "ServiceProviderConfig":
        return {**_plain(scim_shapes.CONFIG), "meta": {"resourceType": what, "location": base}}
    parts = scim_shapes.PROVIDER.resource_types if what == "ResourceTypes" else scim_shapes.PROVIDER.schemas
    found = [{**_plain(part), "meta": {"resourceType": what[:-1], "location": f"{base}/{part.id}"}} for part in parts
             if key in ("", part.id)]
    if not key:
        return {"schemas": [LIST], "totalResults": len(found), "startIndex": 1, "itemsPerPage": len(found),
                "Resources": found}
    if not found:
        raise NotFoundException(detail=f"There is no {key} among the {what}")
    return found[0]


def _plain(part: Any) -> Document:
    document: Document = part.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return document


def refusal(error: Exception) -> tuple[int, Document]:
    """Status and body of a failure, in the words of RFC 7644, 3.12. Raises what is not a failure but a fault."""
    if isinstance(error, SCIMException):
        said = error.to_error()
    elif isinstance(error, Failure):
        kind = "invalidValue" if isinstance(error, Invalid) else None
        faults = "; ".join(f"{one.field}: {one.message}" for one in getattr(error, "problems", ()))
        said = Error(status=400 if kind else error.status, scim_type=kind, detail=faults or error.detail)
    else:
        found = Error.from_validation_errors(error)  # type: ignore[arg-type]
        said = found[0].model_copy(update={"detail": "; ".join(str(one.detail) for one in found)})
    return int(said.status or 400), said.model_dump()


