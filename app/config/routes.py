"""The human page of the API, made from the same document that machines read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, current_app

from app.core import hold
from app.core.access import access
from app.core.openapi import document
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import allow

blueprint = Blueprint("config", __name__)


@dataclass(frozen=True)
class Call:
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: list[dict[str, Any]]
    request: str
    answers: list[tuple[str, str]]


@dataclass(frozen=True)
class Docs:
    """The page: the calls by group, and the named schemas."""

    groups: list[tuple[str, list[Call]]]
    schemas: list[tuple[str, str]]


@blueprint.post("/settings/release")
@access("admin")
def release() -> Response:
    """Let go what is held since a restore."""
    allow(actor(), "admin")
    reason = hold.release(by=actor())
    return go("/", "What is due pages again" if reason else "Nothing was held")


@blueprint.get("/api/docs")
@access("public")
def docs() -> Response:
    """Every call of the API, its parameters, bodies and answers."""
    said = document(current_app)
    calls = sorted((_call(path, method, call) for path, methods in said["paths"].items()
                    for method, call in methods.items()), key=lambda call: (call.tag, call.path))
    groups = [(tag, list(members)) for tag, members in groupby(calls, key=lambda call: call.tag)]
    schemas = [(name, _pretty(schema)) for name, schema in sorted(said["components"]["schemas"].items())]
    return page("config/docs.html", Docs(groups, schemas))


def _call(path: str, method: str, call: dict[str, Any]) -> Call:
    body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Call(id=call["operationId"], method=method.upper(), path=path, tag=call["tags"][0], summary=call["summary"],
                description=call.get("description", ""), parameters=call["parameters"],
                request=_pretty(body) if body else "",
                answers=[(status, answer["description"]) for status, answer in sorted(call["responses"].items())])


def _pretty(schema: Any) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False)
