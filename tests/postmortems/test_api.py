"""Postmortems for machines, as the contract says."""

from __future__ import annotations

import pytest

from app.core import clock
from app.core.db import transaction
from app.postmortems.models import Postmortem
from tests import build
from tests.incidents.people import by


@pytest.fixture
def call(client, token, ana, bob, payments):
    """`call("bob", "post", "/postmortems", …)`: the answer to Bob's machine."""
    headers = {"ana": token(ana), "bob": token(bob)}
    return lambda who, method, path, **json: getattr(client, method)(
        f"/api/v1{path}", headers=headers[who], **({"json": json} if json or method != "get" else {}))


@pytest.fixture
def incident(payments):
    """A resolved incident of the team."""
    return build.incident(service=build.service("checkout", team=payments), status="resolved", severity="critical",
                          resolved_at=clock.now())


def test_from_incident_to_published_with_an_action_item(app, call, incident):
    """The whole road of CONTRACT.md."""
    made = call("bob", "post", "/postmortems", incidents=[str(incident.id)], title="Payments failed")
    assert (made.status_code, made.json["state"], made.json["title"]) == (201, "draft", "Payments failed")
    path, sections = f"/postmortems/{made.json['id']}", made.json["sections"]
    sections[1] = {"heading": "Impact", "body": "1,140 payments"}
    saved = call("bob", "patch", path, version=made.json["version"], sections=sections, impact="1,140 payments")
    assert (saved.status_code, saved.json["version"], saved.json["sections"][1]["body"]) == (200, 2, "1,140 payments")
    item = call("bob", "post", f"{path}/action-items", title="Slow down", owner="ana@example.com", due_on="2026-12-31",
                priority="high")
    assert item.status_code == 201 and item.json["state"] == "open"
    assert call("bob", "post", f"{path}/submit").json["state"] == "in_review"
    assert call("bob", "post", f"{path}/publish").status_code == 409
    assert call("ana", "post", f"{path}/approve").status_code == 200
    done = call("bob", "post", f"{path}/publish")
    assert (done.json["state"], done.json["publication"]) == ("published", 1)
    assert call("ana", "patch", f"/action-items/{item.json['id']}", state="done").json["done_at"]
    assert call("ana", "get", path).json["action_items"][0]["state"] == "done"


def test_an_old_version_is_refused_with_the_newest(app, call, incident):
    """CONTRACT: stale is 409; a machine that asks for it has different sections merged (PM-09, PM-10)."""
    path = f"/postmortems/{call('bob', 'post', '/postmortems', incidents=[incident.id]).json['id']}"
    sections = call("bob", "get", path).json["sections"]

    def other(at, text):
        return [one | {"body": text} if number == at else one for number, one in enumerate(sections)]
    assert call("ana", "patch", path, version=1, sections=other(1, "hers")).status_code == 200
    stale = call("bob", "patch", path, version=1, sections=other(2, "his"))
    assert stale.status_code == 409 and stale.json["state"]["version"] == 2
    merged = call("bob", "patch", path, version=1, sections=other(2, "his"), merge=True)
    assert [one["body"] for one in merged.json["sections"][1:3]] == ["hers", "his"]
    assert call("bob", "patch", path, version=1, sections=other(1, "mine"), merge=True).status_code == 409
    assert call("bob", "patch", path, version=99, title="x").status_code == 422


def test_incidents_that_can_not_be_named(app, call, client, token, charlie, incident):
    """PM-07: unknown 422, a private team's 404, without the right 403, none 422, a second time 409 with the first."""
    hidden = build.incident("Vault", team=build.team("secret", private=True))
    assert call("bob", "post", "/postmortems", incidents=["999"]).status_code == 422
    assert call("bob", "post", "/postmortems", incidents=[hidden.id]).status_code == 404
    assert call("bob", "post", "/postmortems", incidents=[]).status_code == 422
    assert client.post("/api/v1/postmortems", headers=token(charlie), json={"incidents": [incident.id]}).status_code == 403
    first = call("bob", "post", "/postmortems", incidents=[incident.id]).json
    again = call("ana", "post", "/postmortems", incidents=[incident.id])
    assert again.status_code == 409 and again.json["state"]["url"] == first["url"]
    others = build.team("others", manager=charlie)
    mine = client.post("/api/v1/postmortems", headers=token(charlie), json={"incidents": [incident.id]})
    assert (mine.status_code, mine.json["team"]["key"]) == (201, others.key)


def test_lists_versions_rows_and_deletion(app, call, incident, payments):
    """Filters, paging, restoring, rows of one's own, incidents in and out, a draft deleted."""
    second = build.incident("Other", team=payments, severity="low")
    for one in (incident, second):
        call("bob", "post", "/postmortems", incidents=[one.id])
    assert [one["id"] for one in call("bob", "get", "/postmortems?severity=critical").json["items"]] == ["1"]
    assert call("bob", "get", "/postmortems?limit=1").json["next"]
    rows = call("bob", "post", "/postmortems/1/rows", at="2026-03-02T09:00:00Z", text="Impact begins").json["timeline"]
    assert ("Impact begins", "Bob") in [(row["text"], row["added_by"]) for row in rows]
    call("bob", "patch", "/postmortems/1", version=2, title="Changed")
    assert [one["number"] for one in call("bob", "get", "/postmortems/1/versions").json] == [3, 2, 1]
    assert call("bob", "post", "/postmortems/1/versions/2/restore").json["title"] == "Checkout is down"
    assert call("bob", "delete", "/postmortems/2").status_code == 403
    assert call("ana", "delete", "/postmortems/2").status_code == 204
    assert len(call("bob", "post", "/postmortems/1/incidents", incident=second.id).json["incidents"]) == 2
    assert len(call("bob", "delete", f"/postmortems/1/incidents/{second.id}").json["incidents"]) == 1


def test_scopes_of_a_token_count(app, client, token, bob, incident):
    """Reading needs incidents:read, writing incidents:write."""
    reads = token(bob, scopes=["incidents:read"])
    assert client.post("/api/v1/postmortems", headers=reads, json={"incidents": [incident.id]}).status_code == 403
    with transaction():
        from app.postmortems.service import create

        create([build.session.get_one(type(incident), incident.id)], by=by(bob))
    assert client.get("/api/v1/postmortems/1", headers=reads).status_code == 200
    assert client.get("/api/v1/postmortems/1", headers=token(bob, scopes=["schedules:read"])).status_code == 403
    assert build.session.query(Postmortem).count() == 1
