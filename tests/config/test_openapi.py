"""The description of the API is true: every route is in it, nothing else is, and it is valid OpenAPI."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from app.core.openapi import document
from app.identity.models import User
from tests.config.openapi_schema import OPENAPI

HIDDEN = {"/api/v1/openapi.json"}


def routes(app: Flask) -> set[tuple[str, str]]:
    return {(re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method.lower())
            for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/") and rule.rule not in HIDDEN
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def test_every_route_is_described_and_every_description_has_a_route(app: Flask) -> None:
    described = {(path, method) for path, methods in document(app)["paths"].items() for method in methods}
    assert described == routes(app)


def test_the_document_is_public_and_valid(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    faults = [f"{list(error.path)}: {error.message}" for error in Draft202012Validator(OPENAPI).iter_errors(answer.json)]
    assert faults == []


def test_every_schema_is_a_schema_and_every_reference_leads_somewhere(app: Flask) -> None:
    said = document(app)
    for schema in said["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r"'#/components/schemas/(\w+)'", str(said["paths"])))
    assert named <= set(said["components"]["schemas"])
    ids = [call["operationId"] for methods in said["paths"].values() for call in methods.values()]
    assert len(ids) == len(set(ids))


def calls(app: Flask) -> list[tuple[str, str, dict[str, Any]]]:
    return [(re.sub(r"\{\w+\}", "1", path), method, call)
            for path, methods in document(app)["paths"].items() for method, call in methods.items()]


def test_without_a_valid_token_each_call_answers_401(app: Flask, client: FlaskClient) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        for path, method, _ in calls(app):
            answer = client.open(path, method=method.upper(), headers=headers, data=b"{")
            assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), (method, path)


def test_whoever_may_nothing_is_told_so_before_the_body_is_read(
        app: Flask, client: FlaskClient, charlie: User, token: Callable[..., dict[str, str]]) -> None:
    headers = token(charlie, scopes=["scim"])
    for path, method, call in calls(app):
        if "requestBody" not in call:
            continue
        answer = client.open(path, method=method.upper(), headers=headers, data=b"no json")
        assert answer.status_code in (403, 404), (method, path, answer.text)


def test_the_human_page_shows_every_call(app: Flask, client: FlaskClient) -> None:
    shown = client.get("/api/docs")
    assert shown.status_code == 200
    for methods in document(app)["paths"].values():
        assert all(f'id="{call["operationId"]}"' in shown.text for call in methods.values())


@pytest.mark.parametrize(("limit", "status"), [
    ("0", 422), ("201", 422), ("x", 422), ("200", 200), ("1", 200), ("0000000001000", 422), ("0000000001" + "0" * 5000, 422)])
def test_a_page_has_1_to_200_items(client: FlaskClient, olga: User, token: Callable[..., dict[str, str]],
                                   limit: str, status: int) -> None:
    assert client.get(f"/api/v1/teams?limit={limit}", headers=token(olga)).status_code == status


def test_a_made_up_cursor_is_refused(client: FlaskClient, olga: User, token: Callable[..., dict[str, str]]) -> None:
    half, early = encoded('["\\ud800"]'), encoded('["0001-01-01T00:00:00+14:00", 1]')
    for path, cursor in (*(("teams", one) for one in ("x", "bnVsbA", "W10", "WzFd", "WyJhIiwxXQ", "é", half)), ("alerts", early)):
        answer = client.get(f"/api/v1/{path}", query_string={"cursor": cursor}, headers=token(olga))
        assert answer.status_code == 422, cursor


def encoded(text: str) -> str:
    """As lists write their cursors."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")
