"""Machines create, read, change and remove what the document holds, with its fields and the roles of the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.identity.models import Team, User
from tests import build

Headers = Callable[..., dict[str, str]]
API = "/api/v1"
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "users": ("eve@example.com", {"email": "eve@example.com", "name": "Eve"}, {"name": "Eva"}),
    "teams": ("shop", {"key": "shop", "name": "Shop", "members": [{"user": "bob@example.com"}]}, {"tags": ["x"]}),
    "schedules": ("primary", {"key": "primary", "name": "Primary", "team": "payments", "time_zone": "Europe/Berlin",
                              "layers": [{"name": "base", "starts": "2026-01-05T09:00", "rotation": {"unit": "week"},
                                          "participants": [["ana@example.com"]]}]}, {"name": "First"}),
    "escalation-policies": ("paying", {"key": "paying", "name": "Paying", "team": "payments", "levels": [
        {"timeout": "5m", "targets": [{"user": "ana@example.com"}]}]}, {"repeat": 3}),
    "services": ("Checkout", {"key": "Checkout", "name": "Checkout", "team": "payments"}, {"tags": ["tier1"]}),
    "integrations": ("prod", {"key": "prod", "plugin": "webhook", "team": "payments"}, {"name": "Production"}),
}


@pytest.mark.parametrize("path", CASES)
def test_an_object_is_added_read_changed_and_removed(
        client: FlaskClient, olga: User, payments: Team, token: Headers, path: str) -> None:
    key, values, change = CASES[path]
    one, asking = f"{API}/{path}/{key}", {"headers": token(olga)}
    added = client.post(f"{API}/{path}", json=values, **asking)
    assert added.status_code == 201, added.text
    assert {name: added.json[name] for name in values if name not in ("members", "layers")} == {
        name: value for name, value in values.items() if name not in ("members", "layers")}
    assert client.post(f"{API}/{path}", json=values, **asking).status_code == 409
    assert client.get(one, **asking).json == added.json
    changed = client.patch(one, json=change, **asking)
    assert changed.json == {**added.json, **change}
    assert changed.json in client.get(f"{API}/{path}", **asking).json["items"]
    assert client.delete(one, **asking).status_code == 204


@pytest.mark.parametrize("path", CASES)
def test_a_responder_may_not_and_is_told_before_the_body_is_read(
        client: FlaskClient, bob: User, payments: Team, token: Headers, path: str) -> None:
    build.service("Checkout", team=payments)
    build.integration("prod", team=payments)
    refused = client.post(f"{API}/{path}", data=b"no json", headers=token(bob))
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    if path in ("services", "integrations"):
        assert client.delete(f"{API}/{path}/{CASES[path][0]}", headers=token(bob)).status_code == 403
    else:
        assert client.patch(f"{API}/{path}/nobody@nowhere", data=b"{", headers=token(bob)).status_code in (403, 404)


def test_put_sets_what_is_left_out_to_its_default_and_patch_leaves_it(
        client: FlaskClient, ana: User, payments: Team, token: Headers) -> None:
    build.service("checkout", team=payments, tags=["tier1"], description="Takes money")
    one, asking = f"{API}/services/CHECKOUT", {"headers": token(ana)}
    assert client.patch(one, json={"description": "Takes it"}, **asking).json["tags"] == ["tier1"]
    put = client.put(one, json={"name": "Checkout", "team": "payments"}, **asking).json
    assert (put["tags"], put["description"]) == ([], "")


@pytest.mark.parametrize("path", ["schedules", "services"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_whoever_has_seen_an_older_version_is_told_both_and_changes_nothing(
        client: FlaskClient, ana: User, payments: Team, token: Headers, path: str, method: str) -> None:
    """SCH-24: the second of two who edit gets 409."""
    key, values, change = CASES[path]
    client.post(f"{API}/{path}", json=values, headers=token(ana))
    seen = {**token(ana), "If-Match": client.get(f"{API}/{path}/{key}", headers=token(ana)).headers["ETag"]}
    whole = {**values, **change} if method == "PUT" else change
    first = client.open(f"{API}/{path}/{key}", method=method, json=whole, headers=seen)
    assert first.status_code == 200 and first.headers["ETag"] != seen["If-Match"]
    second = client.open(f"{API}/{path}/{key}", method=method, json={**whole, "name": "Third"}, headers=seen)
    assert second.status_code == 409 and second.json["state"]["current"] == first.json
    assert second.json["state"]["yours"]["name"] == "Third"
    newer = {**seen, "If-Match": first.headers["ETag"]}
    assert client.open(f"{API}/{path}/{key}", method=method, json=whole, headers=newer).status_code == 200


def test_each_fault_of_a_body_is_told_with_its_field(client: FlaskClient, ana: User, payments: Team,
                                                     token: Headers) -> None:
    body = {"key": "x y", "name": 5, "team": "payments", "colour": "red"}
    answer = client.post(f"{API}/services", json=body, headers=token(ana))
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert {fault["field"] for fault in answer.json["errors"]} == {"key", "name", "colour"}
    assert client.post(f"{API}/services", data=b"{", headers=token(ana)).status_code == 400
    assert client.post(f"{API}/services", json=[], headers=token(ana)).status_code == 422


def test_a_key_never_changes(client: FlaskClient, ana: User, payments: Team, token: Headers) -> None:
    build.service("checkout", team=payments)
    answer = client.patch(f"{API}/services/checkout", json={"key": "other"}, headers=token(ana))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "key")
    assert client.patch(f"{API}/services/checkout", json={"key": "CHECKOUT"}, headers=token(ana)).status_code == 200


def test_what_belongs_to_a_private_team_is_not_there_for_others(
        client: FlaskClient, ana: User, charlie: User, token: Headers) -> None:
    hidden = build.team("hidden", manager=ana, private=True)
    build.service("secret", team=hidden)
    for path, key in (("services", "secret"), ("teams", "hidden")):
        assert client.get(f"{API}/{path}/{key}", headers=token(charlie)).status_code == 404
        assert client.patch(f"{API}/{path}/{key}", json={}, headers=token(charlie)).status_code in (403, 404)
        assert client.get(f"{API}/{path}", headers=token(charlie)).json["items"] == []
        assert client.get(f"{API}/{path}/{key}", headers=token(ana)).status_code == 200


def test_how_a_person_is_reached_is_shown_to_them_and_to_admins_only(
        client: FlaskClient, ana: User, bob: User, olga: User, token: Headers) -> None:
    def seen(viewer: User) -> bool:
        return "contact_methods" in client.get(f"{API}/users/ana@example.com", headers=token(viewer)).json
    assert [seen(viewer) for viewer in (ana, bob, olga)] == [True, False, True]


def test_a_person_changes_their_own_name_but_not_their_role(client: FlaskClient, bob: User, token: Headers) -> None:
    one = f"{API}/users/bob@example.com"
    assert client.patch(one, json={"name": "Robert"}, headers=token(bob)).json["name"] == "Robert"
    assert client.patch(one, json={"role": "admin"}, headers=token(bob)).status_code == 403
    assert client.patch(f"{API}/users/bob@example.com", json={"contact_methods": [
        {"name": "m", "channel": "email", "address": "b@example.com", "verified": True}]},
        headers=token(bob)).json["contact_methods"][0]["verified"] is False


def test_pages_of_a_list_follow_each_other_without_loss_or_repeat(
        client: FlaskClient, ana: User, payments: Team, token: Headers) -> None:
    for number in range(7):
        build.service(f"s{number}", team=payments)
    seen, cursor, asking = [], None, {"headers": token(ana)}
    while True:
        query = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{API}/services", query_string=query, **asking).json
        seen += [item["key"] for item in page["items"]]
        build.service(f"a{len(seen)}", team=payments)
        cursor = page["next"]
        if cursor is None:
            break
    assert [key for key in seen if key.startswith("s")] == [f"s{number}" for number in range(7)]
    assert len(seen) == len(set(seen))
