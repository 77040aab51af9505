"""SCIM 2.0 (RFC 7643, RFC 7644): a directory provisions people and teams here, with an API token of the scope scim."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException

from app.core.access import access
from app.core.errors import Failure
from app.core.web import actor
from app.identity import scim_calls

blueprint = Blueprint("scim", __name__)
blueprint.after_request(scim_calls.note)
KIND = "/<any(Users, Groups):kind>"
HERE = ("Users", "Groups", "ServiceProviderConfig", "ResourceTypes", "Schemas")
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def _house() -> Any:
    """What does the work; it loads a second of libraries, so only when the first directory calls."""
    return import_module("app.identity.scim_service")


def _answer(work: Callable[[Any], dict[str, Any] | None], status: int = 200) -> Response:
    """What the work returns as a SCIM answer, with its version; a refusal as a SCIM error."""
    house = _house()
    try:
        document = work(house)
    except house.REFUSALS as error:
        return _said(*house.refusal(error))
    if document is None:
        return Response(status=204)
    response = _said(status, document)
    meta = document.get("meta", {})
    if "version" in meta:
        response.set_etag(house.version(document), weak=True)
        response.headers["Location" if status == 201 else "Content-Location"] = meta["location"]
    return response


def _said(status: int, document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), status, mimetype="application/scim+json")


@blueprint.errorhandler(Failure)
def failed(error: Failure) -> Response:
    """A refusal before the work began."""
    return _said(error.status, {"schemas": [ERROR], "status": str(error.status), "detail": error.detail})


@blueprint.errorhandler(HTTPException)
def refused(error: HTTPException) -> Response:
    """No token, too much, or too often."""
    code = error.code or 500
    response = _said(code, {"schemas": [ERROR], "status": str(code), "detail": error.description})
    for name, value in error.get_headers():
        if name.lower() in ("retry-after", "allow", "www-authenticate"):
            response.headers[name] = value
    return response


@blueprint.get("/ServiceProviderConfig")
@access("scim")
def configuration() -> Response:
    """What this service can do."""
    return _answer(lambda house: house.described("ServiceProviderConfig"))


@blueprint.get("/<any(ResourceTypes, Schemas):what>")
@access("scim")
def descriptions(what: str) -> Response:
    """The kinds of resources, or their attributes."""
    return _answer(lambda house: house.described(what))


@blueprint.get("/<any(ResourceTypes, Schemas):what>/<key>")
@access("scim")
def description(what: str, key: str) -> Response:
    """One kind of resource, or its attributes."""
    return _answer(lambda house: house.described(what, key))


@blueprint.get(KIND)
@access("scim")
def resources(kind: str) -> Response:
    """A page of people or teams."""
    return _answer(lambda house: house.listing(kind, request.args, actor("SCIM")))


@blueprint.post(KIND)
@access("scim")
def add(kind: str) -> Response:
    """Take in a person or team."""
    return _answer(lambda house: house.add(kind, request.data, actor("SCIM")), 201)


@blueprint.get(f"{KIND}/<key>")
@access("scim")
def resource(kind: str, key: str) -> Response:
    """One person or team; 304 when the caller has it already."""
    response = _answer(lambda house: house.one(kind, key, request.args, actor("SCIM")))
    return response.make_conditional(request)


@blueprint.put(f"{KIND}/<key>")
@access("scim")
def put(kind: str, key: str) -> Response:
    """Replace a person or team."""
    return _answer(lambda house: house.put(kind, key, request.data, by=actor("SCIM"), match=request.if_match))


@blueprint.patch(f"{KIND}/<key>")
@access("scim")
def patch(kind: str, key: str) -> Response:
    """Change parts of a person or team."""
    return _answer(lambda house: house.patch(kind, key, request.data, by=actor("SCIM"), match=request.if_match))


@blueprint.delete(f"{KIND}/<key>")
@access("scim")
def remove(kind: str, key: str) -> Response:
    """Take away a person's access, or archive a team."""
    return _answer(lambda house: house.remove(kind, key, by=actor("SCIM"), match=request.if_match))


@blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@access("scim")
def nothing(rest: str) -> Response:
    """What is not here: bulk, `.search`, and whatever else; or not by this method."""
    if rest.partition("/")[0] in HERE:
        abort(405)
    return _said(404, {"schemas": [ERROR], "status": "404", "detail": f"There is no /scim/v2/{rest}"})
