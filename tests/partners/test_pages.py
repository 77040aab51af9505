"""What a partner sees, and what they do not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.partners import service
from app.partners.models import Partner
from app.status_pages.models import Notice, NoticeUpdate, StatusPage
from tests import build


def change(partner, act, *args, **more):
    """Somebody of the house does something to the partner."""
    with transaction():
        act(session.get_one(Partner, partner.id), *args, by=OPERATOR, **more)


def test_what_was_not_shared_is_not_there(outside, inside, log):
    """PTN-14: another page, an unknown one and a revoked one: the same 404, in the log with address and agent."""
    browser = inside(outside.pat)
    asked = {slug: browser.get(f"/partner/pages/{slug}", headers={"User-Agent": "Lynx"}) for slug in ("other", "nowhere")}
    change(outside.pat, service.revoke, outside.shop)
    asked["shop"] = browser.get("/partner/pages/shop", headers={"User-Agent": "Lynx"})
    assert {(answer.status_code, answer.text) for answer in asked.values()} == {(404, asked["other"].text)}
    rows = log("denied")
    assert [(row.slug, row.email, row.ip, row.agent) for row in rows] == [
        (slug, "pat@partner.example", "127.0.0.1", "Lynx") for slug in ("other", "nowhere", "shop")]


def test_a_grant_ends_at_its_instant_without_any_job(outside, inside, now):
    """PTN-03, PTN-18: a second before it works, then it is as if never granted; a live page asks again and is refused."""
    change(outside.pat, service.grant, outside.shop, clock.now() + timedelta(hours=1))
    browser = inside(outside.pat)
    now.shift(3599)
    assert browser.get("/partner/pages/shop").status_code == 200
    now.shift(1)
    assert browser.get("/partner/pages/shop").status_code == 404 and "No page is shared" in browser.get("/partner").text


def test_deactivation_ends_all_and_what_was_dead_stays_dead(outside, inside, mailed, app):
    """PTN-04: grants are kept for reactivation."""
    browser, path = inside(outside.pat), mailed("pat@partner.example")
    change(outside.pat, service.deactivate)
    assert browser.get("/partner").location == "/partner/login"
    change(outside.pat, service.reactivate)
    assert browser.get("/partner").location == "/partner/login"
    assert app.test_client().post("/partner/open", data={"token": path.rpartition("/")[2]}).status_code == 410
    assert "Shop status" in inside(outside.pat).get("/partner").text


def test_a_sixth_login_ends_the_oldest(outside, inside, now):
    """Numbers: at most five logins a partner."""
    browsers = []
    for _ in range(6):
        browsers.append(inside(outside.pat))
        now.shift(301)
    assert [browser.get("/partner").status_code for browser in browsers] == [303] + [200] * 5


@pytest.mark.parametrize("what", ["", ".json", "/history", "/maintenance.ics"])
def test_the_page_in_all_its_forms(outside, inside, log, what):
    """PTN-15, PTN-19: each is there, and each view is one row."""
    browser = inside(outside.pat)
    answer = browser.get(f"/partner/pages/shop{what}")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "private, no-store"
    again = browser.get(f"/partner/pages/shop{what}", headers={"If-None-Match": answer.headers["ETag"]})
    assert len(log("page_viewed")) == (1 if again.status_code == 304 else 2)


def test_the_page_says_what_the_public_page_would_and_nothing_of_the_house(outside, inside, now, app, payments):
    """PTN-15, PTN-16: notices with updates; no team, person, service key, incident or number; no subscription."""
    service_ = build.service("planted-service-key", name="planted-service-name", team=payments)
    build.incident("planted-incident-title", service=service_, severity="critical")
    with transaction():
        page = session.get_one(StatusPage, outside.shop.id)
        notice = Notice(page_id=page.id, title="Payments fail", components=[page.components[0].id])
        notice.updates = [NoticeUpdate(state="investigating", text="We look into it.", author="user:1", author_name="planted-author")]
        session.add(notice)
    browser, marks = inside(outside.pat), ("planted", "Payments team", payments.name + "<", "Ana", "bob@", "subscribe", "/status/")
    answers = [browser.get(f"/partner{path}").text for path in (
        "", "/pages/shop", "/pages/shop.json", "/pages/shop/history", f"/pages/shop/notices/{notice.public_id}")]
    assert all("Payments fail" in text for text in answers) and "We look into it." in answers[1] and "Partner Ltd" in answers[1]
    assert not [(mark, at) for mark in marks for at, text in enumerate(answers) if mark in text]


def test_an_open_page_that_looks_again_by_itself_is_one_view(outside, inside, log):
    """PTN-18, PTN-19: live refreshes add no row, but never without a view before; after a revoke they are refused."""
    browser, itself = inside(outside.pat), {"Sec-Fetch-Mode": "cors"}
    assert browser.get("/partner/pages/shop", headers=itself).status_code == 200 and len(log("page_viewed")) == 1
    for _ in range(5):
        assert browser.get("/partner/pages/shop", headers=itself).status_code == 200
    assert len(log("page_viewed")) == 1 and "/static/js/status.js" in browser.get("/partner/pages/shop").text
    change(outside.pat, service.revoke, outside.shop)
    assert browser.get("/partner/pages/shop", headers=itself).status_code == 404 and len(log("denied")) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["", "/pages/shop", "/pages/shop/subscribe", "/pages/shop.json", "/anything/else"])
def test_nothing_can_be_changed_here(outside, inside, log, method, path):
    """PTN-16, PTN-17"""
    browser = inside(outside.pat)
    before = len(log())
    assert browser.open(f"/partner{path}", method=method).status_code in (403, 405) and len(log()) == before


def test_a_form_on_another_site_neither_opens_nor_ends_anything(outside, inside):
    """PTN-12: the cookie is not sent along, and the origin is looked at besides."""
    browser = inside(outside.pat)
    answer = browser.post("/partner/logout", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403 and browser.get("/partner").status_code == 200
    assert browser.post("/partner/logout", headers={"Origin": "null"}).status_code == 403


def test_a_browser_that_hides_where_it_comes_from_is_let_in_by_what_it_says_of_the_site(outside, signed_in, ana):
    """PTN-10: no-referrer makes browsers send `Origin: null`; also beside a person who is signed in."""
    itself = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    answer = signed_in(ana).post("/partner/login", data={"email": "pat@partner.example"}, headers=itself)
    assert answer.status_code == 200 and "on its way" in answer.text


def test_a_page_keeps_its_readers_until_it_is_deleted(outside, inside, signed_in, olga, ana):
    """PTN-25: public or not, the partner's view stays; deleting warns with names and takes the grants along."""
    from app.status_pages.service import remove_page, save_page

    browser = inside(outside.pat)
    with transaction():
        save_page({"slug": "shop", "access": "public", "name": "Shop renamed"}, by=OPERATOR)
    assert "Shop renamed" in browser.get("/partner/pages/shop").text
    assert "Partners lose it: Pat" in signed_in(ana).get("/status-pages/shop/edit").text
    with transaction():
        remove_page(session.get_one(StatusPage, outside.shop.id), by=OPERATOR)
    session.expire_all()
    assert browser.get("/partner/pages/shop").status_code == 404 and session.get_one(Partner, outside.pat.id).grants == []


def test_partners_are_nobody_among_people(outside, inside, signed_in, olga, token, client):
    """PTN-29: no list, no figure, no page of people knows them; PTN-13: a partner's token is no bearer."""
    browser = inside(outside.pat)
    admin = signed_in(olga)
    for path in ("/people", "/people?q=pat", "/search?q=pat", "/api/v1/users", "/api/v1/reachability"):
        assert "partner.example" not in admin.get(path).text
    cookie = browser.get_cookie("oncall_partner", path="/partner").value
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401
