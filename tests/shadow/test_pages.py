"""Everybody sees that something is in shadow; admins switch it, and see what would have left."""

from __future__ import annotations

import csv
from io import StringIO

from app.core import doctor, shadow
from app.core.db import session, transaction
from app.notifications import service as notifications
from tests import build
from tests.notifications.paged import page

SEND = "app.notifications.ticks.send"


def test_a_banner_stands_on_every_page_until_it_ends(app, payments, bob, olga, signed_in, client, monkeypatch):
    """MIG-24: and readiness and the doctor name it."""
    monkeypatch.setattr("app.core.health.revision.is_newest", lambda: True)
    admin, mate = signed_in(olga), signed_in(bob)
    said = admin.post("/shadow", data={"what": "team:payments", "reason": "Moving in"}, follow_redirects=True)
    assert "From now on nothing of the team Payments leaves" in said.text
    for path in ("/incidents", "/on-call", "/me", "/shadow"):
        assert "In shadow: the team Payments." in mate.get(path, follow_redirects=True).text
    assert client.get("/readyz").json["shadow"] == [payments.ref]
    assert doctor.diagnose().figures["shadow"][0].endswith("Z: Moving in")
    one = shadow.active()[0].id
    assert "Nothing is open" in admin.get(f"/shadow/{one}/end").text
    assert "is live" in admin.post(f"/shadow/{one}/end", follow_redirects=True).text
    assert "In shadow:" not in mate.get("/incidents").text and "shadow" not in client.get("/readyz").json


def test_what_is_put_in_shadow_is_chosen_from_what_there_is(app, payments, olga, signed_in):
    """No key has to be known by heart, and no script is needed."""
    build.service("checkout", team=payments)
    build.integration("prometheus", team=payments)
    text = signed_in(olga).get("/shadow").text
    for what, words in (("system", "The whole system"), ("team:payments", "Team Payments"), ("service:checkout", "Service Checkout"),
                        ("integration:prometheus", "Integration Prometheus")):
        assert f'<option value="{what}">{words}</option>' in text
    wrong = signed_in(olga).post("/shadow", data={"what": "team:nobody", "reason": "Moving in"})
    assert wrong.status_code == 422 and "There is no team nobody" in wrong.text


def test_what_would_have_left_is_a_list_and_a_csv(app, now, tick, ana, olga, left, shade, signed_in, token, client):
    """ESC-44, MIG-23."""
    shade()
    page(ana, title="=Checkout is down")
    tick(SEND)
    text = signed_in(olga).get("/shadow").text
    assert "Would have left" in text and "Ana" in text and "=Checkout is down" in text
    heads, row = csv.reader(StringIO(signed_in(olga).get("/shadow/unsent.csv").text))
    said = dict(zip(heads, row, strict=True))
    assert (said["at"], said["whom"], said["user"], said["channel"], said["incident"], said["title"]) == (
        "2026-03-02T12:00:00.000Z", "Ana", "ana@example.com", "email", "1", "'=Checkout is down")
    items = client.get("/api/v1/shadows/-/unsent?kind=page&from=2026-03-02T12:00:00Z", headers=token(olga)).json["items"]
    assert [one["whom"] for one in items] == ["Ana"]
    assert client.get("/api/v1/shadows/-/unsent?to=2026-03-02T12:00:00Z", headers=token(olga)).json["items"] == []


def test_machines_switch_it_too(app, payments, ana, olga, token, client):
    """State table of 15: admins, with a reason; twice is 409."""
    said = {"scope": "team", "key": "payments", "reason": "Moving in"}
    assert client.post("/api/v1/shadows", json=said, headers=token(ana)).status_code == 403
    made = client.post("/api/v1/shadows", json=said, headers=token(olga))
    assert made.status_code == 201 and made.json["name"] == "the team Payments"
    assert client.post("/api/v1/shadows", json=said, headers=token(olga)).status_code == 409
    incident = build.incident(team=payments)
    ended = client.post(f"/api/v1/shadows/{made.json['id']}/end", json={"page": ["7"]}, headers=token(olga))
    assert ended.status_code == 422 and "#7" in ended.text
    ended = client.post(f"/api/v1/shadows/{made.json['id']}/end", json={"page": [str(incident.id)]}, headers=token(olga))
    assert ended.status_code == 200 and ended.json["ended_by"] == "Olga"


def test_a_private_teams_shadow_is_nobody_elses(app, now, tick, ana, bob, charlie, olga, left, shade, signed_in):
    """Its name, and what would have left, are the team's own."""
    team = build.team("secret", manager=ana, private=True)
    shade("team", "secret")
    with transaction():
        notifications.tell([session.merge(ana)], kind="gap", cause="gap", reason="Nobody is on duty", scope=team.ref)
    tick(SEND)
    text = signed_in(charlie).get("/shadow").text
    assert "Secret" not in text and "Nobody is on duty" not in text
    text = signed_in(ana).get("/shadow").text
    assert "the team Secret" in text and "Nobody is on duty" in text


def test_it_survives_a_restart(app, now, ana, olga, shade, another_app):
    """MIG-24: it is a row."""
    shade()
    again = another_app(DATABASE_URL=app.config["DATABASE_URL"])
    with again.app_context():
        assert [one.name for one in shadow.active()] == ["the whole system"] and shadow.covering() is not None
        session.remove()
