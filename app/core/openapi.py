"""The description of /api/v1 (OpenAPI 3.1): each view declares its operation, the document follows the routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from flask import Flask, Request, abort, current_app
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from werkzeug.routing import Rule

from app.core import reading, shapes
from app.core.errors import Invalid, Problem

View = TypeVar("View", bound=Callable[..., Any])
Schema = Mapping[str, Any]
PREFIX = "/api/v1/"
MEANINGS = {200: "Done", 201: "Created", 202: "Accepted", 204: "Done, nothing to say", 400: "The body is not JSON",
            401: "No valid token", 403: "Not allowed", 404: "There is no such thing, or you may not know of it",
            409: "It does not fit the present state", 413: "Too large", 422: "Not acceptable", 429: "Too many requests"}
COMPONENTS: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class Parameter:
    """One query parameter of an operation."""

    name: str
    description: str
    schema: Schema


@dataclass(frozen=True, eq=False)
class Operation:
    """What one view does for machines."""

    summary: str
    request: Schema | None
    responses: Mapping[int, Schema | None]
    parameters: Sequence[Parameter] = ()
    tag: str = ""
    description: str = ""
    body_needed: bool = True


def operation(summary: str, *, responses: Mapping[int, Schema | None], request: Schema | None = None,
              parameters: Sequence[Parameter] = (), tag: str = "", description: str = "",
              body_needed: bool = True) -> Callable[[View], View]:
    """Describe a view under /api/v1. `responses`: status → schema of the JSON (None: no body); what fails is added.

    `request` is the schema of the JSON body, which `sent(request)` checks. `tag` groups on the human page.
    """
    said = Operation(summary, request, responses, parameters, tag, description, body_needed)

    def mark(view: View) -> View:
        view.operation = said  # type: ignore[attr-defined]
        return view
    return mark


def component(name: str, schema: Schema) -> dict[str, str]:
    """Name a schema of the document; returns the reference that stands for it. Raises ValueError when taken."""
    if name in COMPONENTS and COMPONENTS[name] != dict(schema):
        raise ValueError(f"the schema {name} is declared twice")
    COMPONENTS[name] = dict(schema)
    return {"$ref": f"#/components/schemas/{name}"}


def listing(item: Schema) -> dict[str, Any]:
    """The schema of a page of a list, as `core.paging.paged` makes it."""
    return {"type": "object", "required": ["items", "next"],
            "properties": {"items": {"type": "array", "items": dict(item)}, "next": {"type": ["string", "null"]}}}


def query(name: str, description: str, *, choices: Sequence[str] = (), repeated: bool = False,
          form: str = "") -> Parameter:
    """A query parameter of text; `choices` limits it, `repeated` allows several, `form` is a format ("date-time")."""
    schema: dict[str, Any] = {"type": "string"}
    if choices:
        schema["enum"] = list(choices)
    if form:
        schema["format"] = form
    return Parameter(name, description, {"type": "array", "items": schema} if repeated else schema)


PAGING = (Parameter("limit", "How many items a page has", {"type": "integer", "minimum": 1, "maximum": 200,
                                                           "default": 50}),
          Parameter("cursor", "`next` of the page before", {"type": "string"}))
PROBLEM = component("Problem", {
    "type": "object", "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"}, "instance": {"type": "string"}, "state": {"type": "object"},
        "errors": {"type": "array", "items": {"type": "object", "required": ["field", "message"], "properties": {
            "field": {"type": "string"}, "message": {"type": "string"}}}}}})


def sent(request: Request) -> dict[str, Any]:
    """The JSON body of `request`, checked against the operation's schema; {} for an empty body that may be.

    Ask for permission first. Answers 400 for what is not JSON; raises Invalid with each fault.
    """
    said: Operation = getattr(current_app.view_functions[request.endpoint or ""], "operation")  # noqa: B009
    if not request.data and not said.body_needed:
        return {}
    try:
        body = reading.parse_json(request.data)
    except reading.Rejected as fault:
        abort(400, fault.reason)
    found = shapes.problems(_check(said), body)
    if found:
        raise Invalid(problems=found)
    if not isinstance(body, dict):
        raise Invalid(problems=[Problem("", "the body must be an object")])
    return body


@cache
def _check(said: Operation) -> Draft202012Validator:
    return shapes.validator({"components": {"schemas": COMPONENTS}, **(said.request or {"type": "object"})})


def operations(app: Flask) -> Iterator[tuple[str, str, Rule, Operation]]:
    """Path, method in lower case, rule and operation of every described view."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        said = getattr(app.view_functions[rule.endpoint], "operation", None)
        if said is None or not rule.rule.startswith(PREFIX):
            continue
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield path, method.lower(), rule, said


def document(app: Flask) -> dict[str, Any]:
    """The whole OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for path, method, rule, said in operations(app):
        paths.setdefault(path, {})[method] = _described(method, rule, said)
    return {
        "openapi": "3.1.0",
        "info": {"title": "OnCall Platform", "version": "1", "license": {"name": "Apache-2.0"},
                 "description": "Lists come in pages, failures as RFC 9457 problems, times as RFC 3339 in UTC."},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": COMPONENTS, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _described(method: str, rule: Rule, said: Operation) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "operationId": f"{rule.endpoint.replace('.', '_')}_{method}", "summary": said.summary,
        "tags": [said.tag or rule.rule.removeprefix(PREFIX).partition("/")[0]],
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                       for name in sorted(rule.arguments)],
        "responses": {str(status): _answer(status, schema) for status, schema in _all_answers(rule, said).items()},
    }
    parts["parameters"] += [{"name": one.name, "in": "query", "required": False, "description": one.description,
                             "schema": dict(one.schema)} for one in said.parameters]
    if said.description:
        parts["description"] = said.description
    if said.request is not None:
        parts["requestBody"] = {"required": said.body_needed,
                                "content": {"application/json": {"schema": dict(said.request)}}}
    return parts


def _all_answers(rule: Rule, said: Operation) -> dict[int, Schema | None]:
    failing = {401, 403, 429} | ({404} if rule.arguments else set())
    if said.request is not None:
        failing |= {400, 404, 413, 422}  # a body may name what its sender may not know of
    if said.parameters:
        failing.add(422)
    return {**said.responses, **{status: PROBLEM for status in sorted(failing) if status not in said.responses}}


def _answer(status: int, schema: Schema | None) -> dict[str, Any]:
    said: dict[str, Any] = {"description": MEANINGS.get(status, "An answer")}
    if schema is not None:
        kind = "application/problem+json" if status >= 400 else "application/json"
        said["content"] = {kind: {"schema": dict(schema)}}
    return said
