"""Limits by person, token and address; good alerts are never refused for their number."""

import re
import socket
import time

import pytest
import redis
import time_machine
from flask import request
from flask_login import login_user

from app.core import limits
from app.core.db import session, transaction
from app.core.events import Event
from app.core.jobs import wake
from app.core.redis import Pulse
from app.core.redis import client as client_of_redis
from tests.pager import firing, pager, post


@pytest.fixture
def now():
    """A minute that lasts as long as the test."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        yield clock


def test_the_501st_call_of_a_token_in_a_minute_is_refused_and_others_are_not(app, client, ana, bob, token, now):
    """HRD-01: 429 as problem+json with all headers; another person is unaffected; later it works again."""
    hers, his = token(ana), token(bob)
    answers = [client.get("/api/v1/me", headers=hers).status_code for _ in range(500)]
    refused = client.get("/api/v1/me", headers=hers)
    assert set(answers) == {200} and refused.status_code == 429 and refused.mimetype == "application/problem+json"
    assert refused.headers["X-RateLimit-Limit"] == "500" and refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["X-RateLimit-Reset"]) > 0 and int(refused.headers["Retry-After"]) in range(1, 62)
    assert client.get("/api/v1/me", headers=his).status_code == 200


def test_the_101st_public_request_of_an_address_is_refused(app, client, now):
    """HRD-02: with TRUSTED_PROXIES=0 a forged X-Forwarded-For changes nothing."""
    answers = [client.get("/login", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
               for number in range(101)]
    assert answers == [200] * 100 + [429]


def test_an_office_behind_one_address_may_open_more_live_pages_than_strangers(app, client, signed_in, ana, now):
    """Each person's live pages are their own; whoever is not signed in is counted by address."""
    app.config["LIVE_MAX_SOCKETS"] = 0  # full: refused after the limits, before the handshake
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    browser = signed_in(ana)
    assert [browser.get("/live/incidents", headers=upgrade).status_code for _ in range(101)] == [503] * 101
    strangers = [client.get("/live/incidents", headers=upgrade).status_code for _ in range(101)]
    assert set(strangers[:90]) == {401} and strangers[-1] == 429


def test_health_and_deliveries_are_outside_every_limit(app, client, now):
    """CONTRACT: health is never refused, and neither is a genuine delivery."""
    house = pager()
    assert {client.get("/healthz").status_code for _ in range(150)} == {200}
    assert {post(client, house, firing(str(number))).status_code for number in range(120)} == {202}


def test_wrong_tokens_are_refused_beyond_100_but_the_right_one_still_enters(app, client, now):
    """HRD-03: 100 times 404, then 429, while good deliveries from that address are answered 202."""
    house = pager()
    answers = [client.post("/in/no-such-token-at-all", data="{}").status_code for _ in range(102)]
    assert answers == [404] * 100 + [429] * 2
    assert post(client, house, firing()).status_code == 202


def test_many_refusals_are_one_event(app, client, tick):
    """HRD-04: one event per tier, caller and minute, with the count."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        for _ in range(130):
            client.get("/login")
        clock.shift(61)
        tick("app.core.limits.note_refusals")
        tick("app.core.limits.note_refusals")
    event = session.query(Event).filter_by(kind="limit.exceeded").one()
    assert (event.data["number"], event.data["tier"], event.subject) == (30, "public", "ip:127.0.0.1")


def test_without_redis_pages_are_answered_and_counted_here(app, another_app, now):
    """HRD-05: nobody waits for a lost Redis; each process counts alone."""
    alone = another_app(REDIS_URL="redis://127.0.0.1:1/0", DATABASE_URL=app.config["DATABASE_URL"])
    browser = alone.test_client()
    answers = [browser.get("/login").status_code for _ in range(105)]
    assert set(answers[:95]) == {200} and answers[-1] == 429


def test_all_processes_count_together_and_forget_after_a_minute(redis_server):
    """HRD-09: a socket that is opened elsewhere inherits the count; others are counted apart."""
    redis_server.client.flushall()
    here, there = (limits.Meter(lambda: redis_server.client) for _ in range(2))
    assert [here.count("ana", at=0.0) for _ in range(60)][-1] == 60
    assert [there.count("ana", at=30.0) for _ in range(40)][-1] == 100
    assert not here.refuses("ana", at=30.0)
    assert here.count("ana", at=59.0) == limits.CLOSE_AT
    assert there.refuses("ana", at=60.0) and not there.refuses("bob", at=60.0)
    assert there.count("ana", at=91.0) == 2


def test_without_redis_each_process_counts_alone():
    meter = limits.Meter(lambda: redis.Redis(unix_socket_path="/nowhere/redis.sock"))
    assert [meter.count("ana", at=0.0) for _ in range(limits.CLOSE_AT)][-1] == limits.CLOSE_AT
    assert meter.refuses("ana", at=30.0) and not meter.refuses("ana", at=61.0)
    assert meter.count("ana", at=61.0) == 1


def test_refused_sockets_stand_in_the_log_once_a_minute(app, signed_in, ana, tick):
    """HRD-08, HRD-09: one event for each reason, address and minute; what closed an open page is one of its own."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        browser = signed_in(ana)
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": "https://evil.example.com"}
        assert [browser.get("/live/incidents", headers=headers).status_code for _ in range(5)] == [403] * 5
        limits.note("live", ana.ref)
        clock.shift(61)
        tick("app.core.limits.note_refusals")
    found = {event.kind: (event.subject, event.data["number"]) for event in session.query(Event).filter(
        Event.kind.like("live.%"))}
    assert found == {"live.refused": ("ip:127.0.0.1", 5), "live.closed": (ana.ref, 1)}


def test_a_redis_that_hangs_costs_no_request_more_than_50_ms(app, another_app, monkeypatch):
    """HRD-05: it takes connections and says nothing, which is worse than being away."""
    monkeypatch.setattr(limits, "PATIENCE", 0.04)  # the suite is more patient, see conftest
    with socket.create_server(("127.0.0.1", 0)) as hung:
        url = f"redis://127.0.0.1:{hung.getsockname()[1]}/0"
        alone = another_app(REDIS_URL=url, DATABASE_URL=app.config["DATABASE_URL"])
        browser = alone.test_client()
        browser.get("/healthz")
        began = time.perf_counter()
        assert browser.get("/login").status_code == 200
        assert time.perf_counter() - began < 10  # one wait of 40 ms, and a page on a busy machine; else it never ends


def test_administrators_see_on_every_page_that_redis_is_away(app, signed_in, ana, olga):
    """HRD-05: in words, at the top; nobody else is bothered, and it goes when Redis is back."""
    admin, member, watch = signed_in(olga), signed_in(ana), app.extensions["redis_pulse"]
    assert "Redis does not answer" not in admin.get("/teams").text
    app.extensions["redis_pulse"] = Pulse({**app.config, "REDIS_URL": "redis://127.0.0.1:1/0"})
    assert "Redis does not answer" in admin.get("/teams").text and "Redis does not answer" in admin.get("/me").text
    assert "Redis does not answer" not in member.get("/teams").text
    app.extensions["redis_pulse"] = watch
    assert "Redis does not answer" not in admin.get("/teams").text


def test_a_redis_that_hangs_is_asked_in_passing_before_anything_waits_for_it_again(app, environment, monkeypatch):
    """HRD-05: after one request found it hanging, each second another asks for a tenth of one, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as hung:
        url = f"redis://127.0.0.1:{hung.getsockname()[1]}/0"
        monkeypatch.setitem(app.extensions, "redis_pulse", Pulse({**app.config, "REDIS_URL": url}))
        monkeypatch.setitem(app.extensions, "redis_down_until", time.monotonic() - 1)
        began = time.perf_counter()
        with transaction():
            wake("app.ingest.ticks.drain")
        assert time.perf_counter() - began < 0.5 and app.extensions["redis_down_until"] > time.monotonic()


def test_every_route_belongs_to_a_tier(app, ana):
    """HRD-06: also those of sign-in, provisioning, callbacks and live pages; what is counted otherwise is listed."""
    found = {}
    for rule in app.url_map.iter_rules():
        with app.test_request_context():
            request.url_rule = rule
            request.path = rule.rule  # what the tier is decided by
            login_user(ana)
            kind = "uncounted" if limits._uncounted() else limits.tier()
            found.setdefault(kind, set()).add(rule.rule)
    assert set(found) == {"uncounted", "public", "person", "scim"}
    assert {"/login", "/login/sso/callback", "/tap/<token>"} <= found["public"]
    assert {"/incidents", "/api/v1/me"} <= found["person"] and "/scim/v2/ServiceProviderConfig" in found["scim"]
    assert {kind for kind, rules in found.items() if any(rule.startswith("/live/") for rule in rules)} == {"person"}
    senders = (r"/(static/.*|in|in/.*|healthz|readyz|metrics|v2/.*|generic/.*|integrations/.*|plugins/<slug>/.*|status/.*"
               r"|runbooks/callback/.*)")
    assert not [rule for rule in found["uncounted"] if not re.fullmatch(senders, rule)]


def test_an_application_beside_the_shared_one_leaves_the_limiter_as_it_was(app, client):
    """The tests above counted elsewhere; what is counted here stands in this Redis, which each test finds empty."""
    client.get("/login")
    assert client_of_redis().keys("LIMITS*")
