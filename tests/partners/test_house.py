"""What the people of the house do with partners: share, take back, look after them, read the log, forget them."""

from __future__ import annotations

from datetime import timedelta

import time_machine

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event
from app.partners.models import Entry, Grant, Link, Login, Partner
from tests import build
from tests.config.documents import apply

API = "/api/v1/partners"


def partners():
    session.expire_all()
    return {one.email: [grant.page.slug for grant in one.grants] for one in session.query(Partner)}


def test_an_admin_adds_a_partner_by_page_api_and_document(outside, signed_in, client, olga, token):
    """PTN-01: the three roads end alike."""
    form = {"email": "Rob@Partner.example", "name": "Rob", "organisation": "Partner Ltd", "page": "shop", "expires": "2030-01-31"}
    assert signed_in(olga).post("/partners/-/new", data=form).status_code == 303
    body = {"email": "sue@partner.example", "name": "Sue", "grants": [{"page": "shop", "expires": "2030-01-31"}]}
    made = client.post(API, json=body, headers=token(olga))
    assert made.status_code == 201 and made.json["grants"] == [{"page": "shop", "expires": "2030-01-31T23:59:59.000Z"}]
    apply({"version": 1, "partners": [{**body, "email": "tom@partner.example"}]})
    assert {email: pages for email, pages in partners().items() if not email.startswith("pat")} == {
        f"{name}@partner.example": ["shop"] for name in ("rob", "sue", "tom")}
    assert session.query(Event).filter_by(kind="partner.granted").count() == 4


def test_what_can_not_be_is_refused(outside, signed_in, client, olga, token):
    """PTN-01: the same address in other letters 409, unknown page and invalid address 422."""
    hers = token(olga)
    assert client.post(API, json={"email": "PAT@partner.example", "name": "P"}, headers=hers).status_code == 409
    assert signed_in(olga).post("/partners/-/new", data={"email": "Pat@partner.example", "name": "P"}).status_code == 409
    for body in ({"email": "no address", "name": "X"}, {"email": "x@partner.example", "name": "X", "grants": [{"page": "none"}]},
                 {"email": "x@partner.example", "name": "X", "grants": [{"page": "shop", "expires": "soon"}]}):
        assert client.post(API, json=body, headers=hers).status_code == 422
    assert client.put(f"{API}/nobody@partner.example/grants/shop", headers=hers).status_code == 404
    assert set(partners()) == {"pat@partner.example"}


def test_a_manager_shares_the_pages_of_their_team_only(outside, signed_in, client, ana, token, log):
    """PTN-02: and sees only partners of these pages and their own creations."""
    stranger = build.partner("stranger", outside.other)
    browser, hers = signed_in(ana), token(ana)
    listed = browser.get("/partners").text
    assert "pat@partner.example" in listed and "stranger" not in listed
    assert browser.get(f"/partners/{stranger.id}").status_code == 403
    assert client.put(f"{API}/{outside.pat.id}/grants/other", headers=hers).status_code == 403
    assert client.delete(f"{API}/pat@partner.example/grants/shop", headers=hers).status_code == 204
    assert browser.post("/partners/-/new", data={"email": "own@partner.example", "name": "Own"}).status_code == 303
    assert "own@partner.example" in browser.get("/partners").text and partners()["pat@partner.example"] == []
    assert browser.post(f"/partners/{outside.pat.id}/deactivate").status_code == 403
    assert [row.actor_name for row in log("revoked", "created")][-2:] == ["Ana", "Ana"]


def test_responders_and_observers_have_nothing_to_do_here(outside, signed_in, client, bob, charlie, token):
    """PTN-02: 403 on every page and call."""
    for person in (bob, charlie):
        browser, theirs = signed_in(person), token(person)
        for path in ("/partners", f"/partners/{outside.pat.id}", "/partners/-/log", "/partners/-/new", "/partners/-/log.csv"):
            assert browser.get(path).status_code == 403
        assert client.get(f"{API}/pat@partner.example/log", headers=theirs).status_code == 403
        assert client.delete(f"{API}/pat@partner.example/grants/shop", headers=theirs).status_code == 403


def test_a_page_is_shared_and_taken_back_by_buttons(outside, signed_in, olga, smtp, tick):
    """PTN-18: with an end, a link by mail on request, and all of it on the page."""
    browser, here = signed_in(olga), f"/partners/{outside.pat.id}"
    assert browser.post(f"{here}/grants", data={"page": "other", "expires": "2030-01-31"}).status_code == 303
    assert browser.post(f"{here}/grants", data={"page": "other", "expires": "never"}).status_code == 422
    assert "Other status" in browser.get(here).text
    assert browser.post(f"{here}/link").status_code == 303
    tick("app.partners.ticks.send")
    assert "Shop status, Other status" in smtp.to("pat@partner.example")[0].text or "Other status" in smtp.to(
        "pat@partner.example")[0].text
    assert browser.post(f"{here}/grants/shop/revoke").status_code == 303 and partners()["pat@partner.example"] == ["other"]
    for deed, words in (("deactivate", "Deactivated"), ("reactivate", "Deactivate<"), ("logins", "none")):
        assert browser.post(f"{here}/{deed}").status_code == 303 and words in browser.get(here).text


def test_lines_of_a_table_are_looked_at_before_they_count(outside, signed_in, olga):
    """Pages: a preview with each fault; what is taken over is what was shown."""
    text = "email,name,organisation,pages,until\numa@partner.example,Uma,Partner Ltd,shop other,2030-12-31\nbad,Bad,,shop,\n"
    browser = signed_in(olga)
    shown = browser.post("/partners/-/import", data={"lines": text}).text
    assert "Take over 1 of 2" in shown and set(partners()) == {"pat@partner.example"} and session.query(Event).filter(
        Event.kind == "partner.created").count() == 1
    browser.post("/partners/-/import", data={"lines": text, "sure": "1"})
    assert partners()["uma@partner.example"] == ["shop", "other"]
    assert browser.post("/partners/-/import", data={"lines": ""}).status_code == 422


def test_the_document_writes_partners_and_reads_them_again(outside, token, olga, client):
    """PTN-01: what is exported changes nothing when it is applied; who is left out with --prune is deactivated."""
    from app.config.service import export
    from app.core.access import OPERATOR

    written = export(OPERATOR)
    assert written["partners"][0]["grants"] == [{"page": "shop", "expires": None}]
    assert apply({"version": 1, "partners": written["partners"]}).changes == []
    assert client.get(f"{API}/pat@partner.example", headers=token(olga)).json["organisation"] == "Partner Ltd"
    assert client.delete(f"{API}/pat@partner.example", headers=token(olga)).status_code == 204
    session.expire_all()
    assert session.query(Partner).one().state == "deactivated"


def test_whoever_is_erased_leaves_no_name_behind(app, outside, inside, signed_in, client, olga, token, tick):
    """PTN-26: not in partner, grants, log or the log of the house; everything is ended; the address is free again."""
    browser = app.test_client()
    browser.environ_base["HTTP_USER_AGENT"] = "Netscape"
    inside(outside.pat, browser).get("/partner/pages/shop")
    assert signed_in(olga).post(f"/partners/{outside.pat.id}/erase").status_code == 303
    session.expire_all()
    dump = " ".join(str(row) for model in (Partner, Grant, Entry, Event, Login) for row in session.execute(
        model.__table__.select()).all())
    assert not [mark for mark in ("pat@partner.example", "Pat", "Netscape") if mark in dump] and f"former partner {outside.pat.id}" in dump
    assert browser.get("/partner").location == "/partner/login"
    assert client.get(f"{API}/{outside.pat.id}/log", headers=token(olga)).status_code == 404
    assert client.post(API, json={"email": "pat@partner.example", "name": "Pat"}, headers=token(olga)).status_code == 201


def test_the_partners_page_refreshes_by_itself(outside, signed_in, olga):
    """The list has a live feed; without script it is a table."""
    html = signed_in(olga).get("/partners").text
    assert 'hx-ws:connect="/live/partners"' in html and "Pat" in html


def test_time_passes_for_partners_too(outside, tick):
    """A link that was voided before it was mailed is not mailed."""
    from app.core.access import OPERATOR
    from app.partners import entering, service

    with transaction():
        entering.send_link(session.get_one(Partner, outside.pat.id), by=OPERATOR)
        service.void_links(outside.pat)
    with time_machine.travel(clock.now() + timedelta(seconds=5)):
        tick("app.partners.ticks.send")
    session.expire_all()
    assert session.query(Link).one().state == "failed"


def test_a_link_used_while_its_sender_died_is_left_alone(outside, mailed, tick):
    """PTN-24: the mail arrived; nobody sends it again, and the clock goes on."""
    assert mailed("pat@partner.example")
    with transaction():
        session.query(Link).one().state = "sending"
        session.query(Link).one().lease_until = session.query(Link).one().used_at = clock.now() - timedelta(minutes=1)
    assert not tick("app.partners.ticks.send")
