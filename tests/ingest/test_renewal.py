"""New addresses and secrets: the old ones count a while longer, and everybody can see until when."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from app.core import clock, secrets
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.events import Event
from app.core.signatures import sign
from app.incidents.models import Alert
from app.ingest import forms, signing
from app.ingest.models import Delivery, FormerCredential, Integration
from app.ingest.saving import save_integration
from tests import build
from tests.pager import firing, pager, post

START = "2026-03-02T10:00:00+00:00"
PAGE = "/integrations/prometheus"


@pytest.fixture
def at():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.mark.both_databases
def test_the_old_address_counts_for_a_day_and_then_no_more(app, client, signed_in, at):
    """ING-11: both are accepted for the overlap; the page says when the old one was last used."""
    house = pager()
    browser = signed_in(house.ana)
    browser.post(f"{PAGE}/token")
    assert post(client, house, firing()).status_code == 202
    assert "last used" in browser.get(PAGE).text
    at.shift(timedelta(hours=24, seconds=1))
    assert post(client, house, firing()).status_code == 404


def test_revoked_the_old_address_is_dead_at_once(app, client, signed_in):
    """ING-11: "revoke now"; responders may not."""
    house = pager()
    browser = signed_in(house.ana)
    browser.post(f"{PAGE}/token", data={"overlap": "7d"})
    assert signed_in(house.bob).post(f"{PAGE}/revoke/token").status_code == 403
    browser.post(f"{PAGE}/revoke/token")
    assert post(client, house, firing()).status_code == 404


def test_where_the_key_of_a_secret_is_gone_senders_try_again_and_a_new_one_mends_it(app, client, signed_in):
    """ING-11: 503 with when to come again, pages that show what they can, and a new secret without the old one."""
    house = pager()
    browser = signed_in(house.ana)
    old = new_secret(browser)
    secrets.configure(secrets.new_key())
    answer = client.post(house.path, data=b"{}", headers=sign(b"{}", secret=old, at=clock.now(), delivery="1"))
    assert answer.status_code == 503 and answer.headers["Retry-After"] and "is not in ENCRYPTION_KEYS" in answer.json["detail"]
    page = browser.get(PAGE)
    assert page.status_code == 200 and "/in/…" in page.text
    assert signed(client, house, new_secret(browser)) == 202


def new_secret(browser, **form) -> str:
    """Press "new secret"; what the page shows."""
    text = browser.post(f"{PAGE}/secret", data=form).text
    return text.partition('id="secret"')[2].partition('value="')[2].partition('"')[0]


def signed(client, house, secret) -> int:
    """Post something new, signed with this secret; the status."""
    body = b'{"alerts": [{"labels": {"alertname": "' + secret[:8].encode() + b'"}}]}'
    headers = sign(body, secret=secret, at=clock.now(), delivery="1")
    return client.post(house.path, data=body, headers=headers).status_code


def test_a_new_secret_is_shown_once_and_the_old_one_counts_for_a_day(app, client, signed_in, at):
    """ING-11, SRC-11, HRD-12: no later page holds it; both sign for 24 h, then only the new one."""
    house = pager()
    browser = signed_in(house.ana)
    first, second = new_secret(browser), new_secret(browser)
    assert first != second and len(second) >= 32 and second not in browser.get(PAGE).text
    assert (signed(client, house, second), signed(client, house, first)) == (202, 202)
    assert [row.signature for row in session.query(Delivery).order_by(Delivery.id)] == ["valid", "old secret"]
    at.shift(timedelta(hours=23, minutes=59))
    assert (signed(client, house, second), signed(client, house, first)) == (202, 202)
    at.shift(timedelta(minutes=1, seconds=1))
    assert (signed(client, house, second), signed(client, house, first)) == (202, 401)


def test_the_overlap_of_a_secret_ends_early_by_a_button(app, client, signed_in):
    """HRD-12: at once."""
    house = pager()
    browser = signed_in(house.ana)
    first, second = new_secret(browser), new_secret(browser)
    assert browser.post(f"{PAGE}/revoke/secret").status_code == 303
    assert (signed(client, house, second), signed(client, house, first)) == (202, 401)


def test_an_overlap_is_at_most_a_week(app, signed_in):
    """Refused with a sentence; nothing was renewed."""
    house = pager()
    before = session.query(Integration).one().token_hash
    assert signed_in(house.ana).post(f"{PAGE}/token", data={"overlap": "8d"}).status_code == 422
    session.expire_all()
    assert session.query(Integration).one().token_hash == before and session.query(FormerCredential).count() == 0


def test_machines_renew_and_revoke(app, client, token):
    """The value stands in this answer and in no other."""
    house = pager()
    header = token(house.ana)
    made = client.post("/api/v1/integrations/prometheus/token", headers=header, json={"overlap": "1h"}).json["value"]
    assert client.post(f"/in/{made}", json=firing()).status_code == post(client, house, firing()).status_code == 202
    assert client.post("/api/v1/integrations/prometheus/revoke", headers=header, json={"what": "token"}).status_code == 204
    assert post(client, house, firing()).status_code == 404


def test_what_is_no_fact_still_moves_the_open_pages(app, client, run_jobs, redis_server):
    """A repeat of a signal and a refusal at the door: open pages look again, the log has no line."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    heard = redis_server.client.pubsub()
    heard.subscribe("oncall:live")
    for _ in range(3):
        post(client, house, firing())
    run_jobs()
    client.post(house.path, data="{broken")
    said = "".join(str(message["data"]) for message in iter(lambda: heard.get_message(timeout=0.2), None))
    assert "incident.alert_counted" in said and "delivery.rejected" in said
    assert session.query(Alert).one().count == 4
    assert session.query(Event).filter(Event.kind.in_(("incident.alert_counted", "delivery.rejected"))).count() == 0


def test_how_a_sender_signs_is_set_on_the_form_and_taken_away_there(app, signed_in, ana, payments):
    """MIG-02: what differs from our own way is kept, also that nothing stands before it, and saved untouched it stays."""
    build.integration("prod", team=payments)
    browser, ours = signed_in(ana), {f"signature.{name}": text for name, text in signing.OURS.items()}
    form = {"name": "Prod", "team": "payments", "default_severity": "medium", **ours}
    for theirs in ({"header": "X-Hub-Signature-256", "prefix": "", "signed": "body", "timestamp_header": ""}, {}):
        typed = {f"signature.{name}": text for name, text in theirs.items()}
        assert browser.post("/integrations/prod/edit", data=form | typed).status_code == 303
        session.expire_all()
        kept = session.scalars(select(Integration)).one().config.get("signature", {})
        assert {name: text for name, text in kept.items() if text != signing.OURS[name]} == theirs
        assert ("<details open>" in browser.get("/integrations/prod/edit").text) == bool(theirs)


@pytest.mark.parametrize(("way", "place"), [
    ({"algorithm": "md5"}, "signature.algorithm"), ({"encoding": "rot13"}, "signature.encoding"),
    ({"signed": "headers"}, "signature.signed"), ({"header": ""}, "signature.header"), ({"colour": "red"}, "signature.colour"),
    ({"timestamp_header": ""}, "signature.timestamp_header"), ({"prefix": 7}, "signature.prefix"), (["x"], "signature")])
def test_a_way_of_signing_that_could_never_be_checked_is_refused_at_its_place(app, ana, payments, way, place):
    """ING-11: it would be a fault at every delivery."""
    build.integration("prod", team=payments)
    with transaction(), pytest.raises(Invalid) as refused:
        save_integration({"key": "prod", "signature": way}, by=build.actor(ana))
    assert [one.field for one in refused.value.problems] == [place]


def test_the_form_offers_all_that_can_be_checked():
    assert {name: tuple(key for key, _ in choices) for name, _, choices in forms.WAYS if choices} == signing.CHOICES
