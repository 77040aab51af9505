"""What outsiders get: who may read, from which cache, and nothing that is ours."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from app.core.access import Actor
from app.core.db import db, session, transaction
from app.status_pages import notices, service, shelf
from app.status_pages.notices import Said


def by(person):
    return Actor(person.ref, person.name, user_id=person.id)


def change(shop, **values):
    with transaction():
        service.save_page({"slug": "shop", **values}, by=by(shop.ana))


def linked(shop):
    """The page is private now; the token of its access link."""
    change(shop, access="private")
    with transaction():
        return service.renew_link(shop.page, by=by(shop.ana))


def heads(answer):
    kept = ("Cache-Control", "X-Robots-Tag", "Referrer-Policy")
    return answer.status_code, answer.data, [answer.headers.get(name) for name in kept]


def test_a_private_page_and_none_at_all_answer_alike(app, shop, client):
    """STAT-16: without and with a wrong token, and for an unknown slug, byte for byte."""
    linked(shop)
    answers = [client.get(path, headers=header) for path in ("/status/shop", "/status/none", "/status/shop.json", "/status/shop/open/wrong",
                                                            "/status/none/open/wrong", "/status/shop/badge.svg")
               for header in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "status_page=wrong"})]
    assert {str(heads(answer)) for answer in answers} == {str(heads(answers[0]))} and answers[0].status_code == 404


def test_the_access_link_sets_a_cookie_for_this_page_and_leads_to_the_clean_address(app, shop, client):
    """STAT-16, STAT-17: machines use the token as a bearer; nothing of it is cached or indexed."""
    token = linked(shop)
    answer = client.get(f"/status/shop/open/{token}")
    assert answer.headers["Location"] == "/status/shop" and "Path=/status/shop" in answer.headers["Set-Cookie"]
    page = client.get("/status/shop")
    assert heads(page)[0] == 200 and heads(page)[2] == ["private, no-store", "noindex", "no-referrer"]
    assert app.test_client().get("/status/shop.json", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_new_link_and_a_change_of_access_kill_the_old_one_and_its_cookies(app, shop, client):
    """STAT-16: dead at the next look."""
    client.get(f"/status/shop/open/{linked(shop)}")
    assert client.get("/status/shop").status_code == 200
    with transaction():
        service.renew_link(shop.page, by=by(shop.ana))
    assert client.get("/status/shop").status_code == 404
    client.get(f"/status/shop/open/{linked(shop)}")
    change(shop, access="partner")
    change(shop, access="private")
    assert client.get("/status/shop").status_code == 404


def test_people_of_the_system_see_private_pages_and_drafts_by_login(app, shop, client, signed_in, charlie):
    """STAT-16: whoever may see the team."""
    change(shop, access="private", draft=True)
    assert signed_in(charlie).get("/status/shop").status_code == 200 and client.get("/status/shop").status_code == 404
    with transaction():
        session.merge(shop.team).private = True
    assert signed_in(charlie).get("/status/shop").status_code == 404


def test_the_token_is_in_no_log_line(app, shop, client, capfd):
    """STAT-17."""
    token = linked(shop)
    client.get(f"/status/shop/open/{token}")
    client.get("/status/shop", headers={"Authorization": f"Bearer {token}"})
    said = capfd.readouterr()
    assert token not in said.out + said.err


MARKS = ("SECRET-TITLE", "SECRET-TEXT", "Ana", "Bob", "Payments", "payments", "ana@example.com", "checkout", "user:", "/incidents/")


def test_no_public_answer_holds_anything_internal(app, shop, client, breaks, follow):
    """STAT-18: pages, JSON, feeds, calendar and badge are searched for planted marks."""
    made = breaks(shop.checkout, description="SECRET-TEXT")
    follow()
    part = shop.component("Card payments").public_id
    with transaction():
        notice = notices.open_notice(shop.page, {"title": "Cards fail", "components": [part], "incident": made.id},
                                     Said("identified", "A cable.", changes={part: "degraded"}), by=by(shop.bob)).public_id
    for path in ("", ".json", "/feed.atom", "/feed.rss", "/maintenance.ics", "/badge.svg", "/history", f"/notices/{notice}", "/subscribe"):
        answer = client.get(f"/status/shop{path}")
        found = [mark for mark in MARKS if mark in answer.text.replace("Card payments", "")]
        assert answer.status_code == 200 and not found, (path, found)


def test_a_repeated_question_is_answered_304_without_a_cookie(app, shop, client):
    """STAT-21, STAT-22: strong mark, what a cache in front may do, no Set-Cookie, nothing that varies."""
    first = client.get("/status/shop")
    assert first.headers["Cache-Control"] == "public, max-age=5, stale-while-revalidate=5, stale-if-error=86400"
    again = client.get("/status/shop", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"") and not first.headers["ETag"].startswith("W/")
    assert "Set-Cookie" not in first.headers and "Vary" not in first.headers


def test_a_thousand_questions_ask_the_database_once_a_second(app, shop, client, monkeypatch):
    """STAT-21: and not at all in between."""
    client.get("/status/shop")
    monkeypatch.setattr(shelf, "LOOK", 60.0)
    asked: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    for _ in range(50):
        client.get("/status/shop")
        client.get("/status/none")
    assert asked == []


def test_the_style_is_allowed_by_its_hash_and_the_accent_by_contrast(app, shop, client):
    """Branding: no other style runs; a colour that can't be read is refused."""
    change(shop, accent="#1D4ED8")
    answer = client.get("/status/shop")
    assert "--accent:#1d4ed8" in answer.text and "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
    with pytest.raises(Exception, match="contrast"):
        change(shop, accent="#ffee00")


def test_a_logo_is_a_small_picture(app, shop, client, signed_in):
    """HRD-18: PNG, JPEG or WebP up to 100 kB by its content, whatever its name and declared type; it may load and run nothing."""
    import io

    browser, png = signed_in(shop.ana), b"\x89PNG\r\n\x1a\n" + b"0" * 100
    for raw, declared, status in ((b"<svg/>", "image/png", 422), (b"<svg/>", "image/svg+xml", 422), (b"<html>", "image/png", 422),
                                  (png + b"0" * 100_000, "image/png", 422), (png, "text/html", 303)):
        answer = browser.post("/status-pages/shop/logo", data={"logo": (io.BytesIO(raw), "logo.svg", declared)})
        assert answer.status_code == status
    served = client.get("/status/shop/logo").headers
    assert (served["Content-Type"], served["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert served["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert client.get("/status/shop/logo").data == png and "/status/shop/logo?v=" in client.get("/status/shop").text


def test_it_speaks_the_language_of_its_readers(app, shop, client):
    """Words, months and numbers of the page's language; times in its zone."""
    change(shop, language="de")
    page = client.get("/status/shop").text
    assert 'lang="de"' in page and "Alle Systeme laufen" in page and "100,00\u00a0%" in page and "Europe/Berlin" in page


def test_a_host_of_its_own_shows_the_page_and_nothing_else(app, shop, client):
    """Addresses: then it is also `/` on those hosts."""
    change(shop, hosts=["status.shop.example"])
    at = {"base_url": "http://status.shop.example"}
    assert "Shop status" in client.get("/", **at).text and client.get("/feed.atom", **at).status_code == 404
    assert client.get("/status/shop.json", **at).status_code == 200
    assert client.get("/login", **at).status_code == client.get("/incidents", **at).status_code == 404


def test_archiving_a_service_asks_first_and_leaves_its_component_manual(app, shop, signed_in, run_jobs):
    """STAT-32."""
    browser = signed_in(shop.ana)
    assert browser.post("/services/checkout/archive").status_code in (409, 422)
    browser.post("/services/checkout/archive", data={"confirm": "1"})
    run_jobs()
    assert shop.component("Card payments").services == []


def test_the_incident_page_has_a_box_with_the_way_to_readers(app, shop, signed_in, breaks, follow):
    """STAT-31: affected components, and "write an update" with the incident linked."""
    made = breaks(shop.checkout)
    follow()
    page = signed_in(shop.bob).get(f"/incidents/{made.id}").text
    assert "Write an update" in page and f"/status-pages/shop/notices/-/new?incident={made.id}" in page and "Card payments" in page


def test_machines_publish_and_ask_subscribers(app, shop, client, token):
    """The API: link, notices, updates, subscribers."""
    head, part = token(shop.ana), shop.component("Card payments").public_id
    made = client.post("/api/v1/status-pages/shop/notices", headers=head, json={
        "title": "Cards fail", "state": "identified", "text": "A cable.", "components": [part], "components_to": {part: "major_outage"}})
    assert made.status_code == 201 and client.get("/status/shop.json").get_json()["status"] == "major_outage"
    here = f"/api/v1/status-pages/shop/notices/{made.json['id']}/updates"
    over = {"state": "resolved", "text": "Mended.", "components_to": {part: "computed"}}
    assert client.post(here, headers=head, json=over).json["resolved_at"]
    assert client.post("/api/v1/status-pages/shop/link", headers=head).status_code == 409
    assert client.post("/api/v1/status-pages/shop/subscribers", headers=head, json={"addresses": ["r@reader.example"]}).json == {"asked": 1}
    assert client.get("/api/v1/status-pages/shop/subscribers", headers=head).json["items"][0]["state"] == "pending"
    assert client.get("/api/v1/status-pages/shop/subscribers", headers=token(shop.bob)).status_code == 403


