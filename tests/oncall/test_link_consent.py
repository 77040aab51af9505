"""Agreeing to a calendar outside: in the login that asked, once, soon; and what machines may do with it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from app.core.db import session, transaction
from app.oncall.calendar_models import CalendarLink
from tests.oncall.linked import SYNC, agree, mine


def test_a_made_up_answer_binds_nothing(linking, google):
    """SCH-35: neither does one without consent."""
    for forged in ({"state": "made-up"}, {"state": ""}, {"code": "bad"}, {"code": "", "error": "access_denied"}):
        page = agree(linking, google, **forged)
        assert "another login" in page or "was not connected" in page
    assert session.query(CalendarLink).count() == 0


def test_the_answer_counts_once_in_the_login_that_asked_and_for_ten_minutes(linking, google, signed_in, bob, ana, now):
    """SCH-35: neither Bob's login, nor another of Ana's, nor a late or second answer binds anything."""
    def asked() -> str:
        away = linking.post(f"/me/calendars/{google.slug}/connect")
        return parse_qs(urlsplit(away.location).query)["state"][0]

    def come_back(by, state):
        by.get(f"/me/calendars/{google.slug}/connected", query_string={"code": "good-code", "state": state})
        return session.query(CalendarLink).count()
    state = asked()
    assert come_back(signed_in(bob), state) == come_back(signed_in(ana), state) == 0
    now.shift(601)
    assert come_back(linking, state) == 0
    state = asked()
    assert come_back(linking, state) == 1
    with transaction():
        session.query(CalendarLink).delete()
    assert come_back(linking, state) == 0


def test_where_it_is_not_set_up_people_subscribe_to_an_address(app, signed_in, ana, primary):
    """SCH-34: no button that leads nowhere."""
    app.config.update({name: "" for name in app.config if name.endswith("_CLIENT_ID")})
    linking = signed_in(ana)
    page = linking.get("/me/calendars").text
    assert "Get the address" in page and "Kept in step" not in page
    assert linking.post("/me/calendars/outlook/connect").status_code == 404


def test_machines_see_choose_and_disconnect_and_nobody_anothers(linking, google, tick, client, token, ana, bob):
    """SCH-33: the same for machines."""
    agree(linking, google)
    headers = token(ana)
    [one] = client.get("/api/v1/me/calendar-links", headers=headers).json
    assert (one["state"], [each["id"] for each in one["choices"]]) == ("choosing", ["main", "work/1"])
    path = f"/api/v1/me/calendar-links/{one['id']}"
    assert client.patch(path, json={"calendar": "main"}, headers=token(bob)).status_code == 404
    assert client.patch(path, json={"calendar": "x"}, headers=headers).status_code == 422
    assert client.patch(path, json={"calendar": "main"}, headers=headers).json["state"] == "on"
    tick(SYNC)
    assert google.spans() == mine(ana)
    assert client.delete(path, headers=headers).status_code == 204
    tick(SYNC)
    assert google.spans() == [] and client.get("/api/v1/me/calendar-links", headers=headers).json == []
