"""What depends on what, for machines; services themselves are written as the configuration document has them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.catalog import dependencies, pages, queries, rules
from app.catalog.models import Service
from app.core.access import access
from app.core.forms import Problems, check_boolean
from app.core.openapi import PROBLEM, component, listing, operation, query
from app.core.web import actor

blueprint = Blueprint("catalog_edges_api", __name__)

TEXT = {"type": "string"}
NEIGHBOUR = component("Neighbour", {
    "type": "object", "required": ["key", "name", "team", "lifecycle", "distance"], "properties": {
        "key": TEXT, "name": TEXT, "team": TEXT, "lifecycle": TEXT, "distance": {"type": "integer", "minimum": 1}}})
EDGE = component("Dependency", {"type": "object", "required": ["service", "depends_on"],
                                "properties": {"service": TEXT, "depends_on": TEXT}})
TRANSITIVE = query("transitive", "With true, also what lies further, each service once with its shortest distance")


@blueprint.get("/services/<key>/dependencies")
@access("team.read")
@operation("What the service depends on, nearest first", responses={200: listing(NEIGHBOUR)}, parameters=(TRANSITIVE,))
def needs(key: str) -> Response:
    """Upstream: where the cause may lie."""
    return _near(key, queries.dependency_edges())


@blueprint.get("/services/<key>/dependents")
@access("team.read")
@operation("What depends on the service, nearest first", responses={200: listing(NEIGHBOUR)}, parameters=(TRANSITIVE,))
def needed_by(key: str) -> Response:
    """Downstream: what else may be hit."""
    return _near(key, rules.reversed_edges(queries.dependency_edges()))


@blueprint.put("/services/<key>/dependencies/<other>")
@access("service.edit")
@operation("Make a service depend on another one", responses={200: EDGE, 201: EDGE, 409: PROBLEM, 422: PROBLEM})
def add(key: str, other: str) -> tuple[Response, int]:
    """201 when it is new, 200 when it was known; 409 with the path when it would close a cycle."""
    service = queries.service_for(key, actor(), "service.edit")
    needed = queries.service_for(other, actor())
    new = dependencies.add_dependency(service, needed, by=actor())
    return jsonify({"service": service.key, "depends_on": needed.key}), 201 if new else 200


@blueprint.delete("/services/<key>/dependencies/<other>")
@access("service.edit")
@operation("Make a service depend on another one no more", responses={204: None})
def take(key: str, other: str) -> tuple[str, int]:
    """204, also when it did not."""
    service = queries.service_for(key, actor(), "service.edit")
    needed = queries.service_by_key(other)
    if needed is not None:
        dependencies.take_dependency(service, needed, by=actor())
    return "", 204


def _near(key: str, edges: dict[int, set[int]]) -> Response:
    service = queries.service_for(key, actor())
    problems = Problems()
    further = problems.take("transitive", check_boolean, request.args.get("transitive", ""))
    problems.raise_if_any()
    found = rules.distances(edges, service.id, None if further else 1)
    seen = pages.seen(list(found), actor())
    return jsonify({"items": [_shown(one, found[one.id]) for one in seen], "next": None})


def _shown(service: Service, distance: int) -> dict[str, Any]:
    return {"key": service.key, "name": service.name, "team": service.team.key, "lifecycle": service.lifecycle,
            "distance": distance}
