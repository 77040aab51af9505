"""How integrations are: failing, quiet and well again, each told once, with its reason, on list, page and API."""

from __future__ import annotations

import threading
from functools import partial

import pytest
import time_machine
from sqlalchemy import select

from app.core import clock, secrets
from app.core.db import session, transaction
from app.core.events import Event
from app.ingest import watch, wellbeing
from app.ingest.models import Delivery, Integration
from app.ingest.wellbeing import Counts
from tests.pager import firing, incident, messages, pager, post


@pytest.fixture
def now():
    """Noon, until a test moves it."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as at:
        yield at


def alarms() -> list[str]:
    """What the team was told beside incidents."""
    return [message.reason for message in messages() if message.kind == "alarm"]


def expecting(every: int = 1800, **more) -> None:
    """Prometheus speaks up so often."""
    with transaction():
        one = session.query(Integration).one()
        one.expected_every = every
        for name, value in more.items():
            setattr(one, name, value)


def sign() -> None:
    """From now on Prometheus has to sign."""
    with transaction():
        one = session.query(Integration).one()
        one.secret_sealed = secrets.seal("s3cret", bound_to=f"integration:{one.key}/secret")


def came(number: int) -> None:
    """So many good ones."""
    integration = session.query(Integration).one()
    with transaction():
        session.add_all(Delivery(integration_id=integration.id, body=b"{}", body_hash="0" * 64, state="processed")
                        for _ in range(number))


def changes() -> list[Event]:
    """Each change of health that was told."""
    session.expire_all()
    return list(session.scalars(select(Event).where(Event.kind == "integration.health_changed").order_by(Event.id)))


def healthy(client, person, token) -> dict:
    """What a machine is told."""
    return client.get("/api/v1/integrations/prometheus/health", headers=token(person)).json


@pytest.mark.both_databases
def test_wrong_signatures_are_told_once_with_their_share(app, client, now, run_jobs, signed_in, token):
    """SRC-13: failing on list, page and API, and the managers are told, once."""
    house = pager()
    for _ in range(3):
        assert post(client, house, firing()).status_code == 202
    run_jobs()
    sign()
    for _ in range(7):
        assert post(client, house, firing(), **{"X-OnCall-Signature": "v1=00"}).status_code == 401
    assert (watch.look(), watch.look()) == (1, 0)
    run_jobs()
    why = "signature wrong: 7 of the last 10"
    assert [(why in text, "is failing" in text) for text in alarms()] == [(True, True)]
    bob = signed_in(house.bob)
    for path in ("/integrations", "/integrations/prometheus"):
        assert "Failing" in bob.get(path).text and why in bob.get(path).text
    said = healthy(client, house.bob, token)
    assert (said["health"], said["reason"], said["last_24h"]["refused"]) == ("failing", why, 7)


def test_it_is_well_again_when_the_bad_ones_are_few_and_old(app, client, now, run_jobs, token):
    """SRC-13: five that could not be read within ten minutes; later they are one in thirty of the day, which is told once."""
    house = pager()
    for _ in range(5):
        client.post(house.path, data="{broken")
    assert watch.look() == 1 and healthy(client, house.bob, token)["reason"] == "can't be read: 5 of the last 5"
    came(145)
    assert watch.look() == 0
    now.shift(601)
    assert (watch.look(), watch.look()) == (1, 0)
    run_jobs()
    assert [text.partition(":")[0] for text in alarms()] == ["Prometheus is failing", "Prometheus is well again"]
    assert [event.data["after"] for event in changes()] == ["failing", "ok"]
    assert healthy(client, house.bob, token)["last_bad"]["reason"].startswith("The body")


@pytest.mark.both_databases
def test_a_sender_that_should_speak_every_half_hour_and_does_not_is_quiet(app, client, now, run_jobs, signed_in, token):
    """SRC-13: quiet the second after, with how long and what was expected; the next delivery ends it, whatever it says."""
    house = pager()
    expecting()
    assert watch.look() == 0  # one that has never sent is waiting
    post(client, house, firing())
    run_jobs()
    now.shift(1800)
    assert watch.look() == 0
    now.shift(5400)
    assert [watch.look(), watch.look(), run_jobs()][:2] == [1, 0]
    why = "nothing for 2 h; expected every 30 min"
    assert [why in text for text in alarms()] == [True]
    assert all(why in signed_in(house.bob).get(path).text for path in ("/integrations", "/integrations/prometheus"))
    said = healthy(client, house.bob, token)
    assert [said[name] for name in ("health", "reason", "expected_every")] == ["quiet", why, "30m"]
    client.post(house.path, data="{broken")
    assert watch.look() == 1 and healthy(client, house.bob, token)["health"] == "ok"
    run_jobs()
    assert alarms()[1:] == ["Prometheus is well again: a delivery came"]


def test_silence_is_an_incident_where_that_is_wanted_and_the_next_delivery_ends_it(app, client, now, run_jobs):
    """SRC-13: whoever is on duty is paged, once, and it resolves by itself."""
    house = pager()
    expecting(quiet_incident=True)
    post(client, house, firing(status="resolved"))
    run_jobs()
    now.shift(1801)
    assert watch.look() == 1
    run_jobs()
    opened = incident()
    assert (opened.title, opened.severity, opened.status) == ("Nothing comes from Prometheus", "high", "triggered")
    assert [message.user_id for message in messages() if message.kind == "page"] == [house.bob.id]
    post(client, house, firing(status="resolved"))
    run_jobs()
    assert watch.look() == 1 and incident().status == "resolved"


def test_a_paused_one_is_not_quiet_and_what_is_held_counts_as_come(app, client, now, run_jobs):
    """SRC-13: a pause is told by nobody; held deliveries show that the sender is alive."""
    house = pager()
    expecting()
    post(client, house, firing())
    run_jobs()
    with transaction():
        session.query(Integration).one().paused_at = clock.now()
    now.shift(3600)
    post(client, house, firing())
    assert watch.look() == 0
    with transaction():
        session.query(Integration).one().paused_at = None
    assert watch.look() == 0 and alarms() == []


def test_how_often_is_said_on_the_form_and_checked(app, client, signed_in, token):
    """SRC-10: on the page, and by the API with 422 beside the field; taken off again by null."""
    house = pager()
    ana = signed_in(house.ana)
    fields = {"name": "Prometheus", "team": "payments", "default_severity": "medium", "expected_every": "1h", "quiet_incident": "1"}
    assert ana.post("/integrations/prometheus/edit", data=fields).status_code == 303
    assert 'value="1h"' in ana.get("/integrations/prometheus/edit").text
    call = partial(client.patch, "/api/v1/integrations/prometheus", headers=token(house.ana))
    for wrong in ("10s", "31d", "often"):
        answer = call(json={"expected_every": wrong})
        assert answer.status_code == 422 and answer.json["errors"][0]["field"] == "expected_every"
    assert call(json={"expected_every": None}).json["errors"][0]["field"] == "quiet_incident"
    said = call(json={"expected_every": None, "quiet_incident": False}).json
    assert "expected_every" not in said and "quiet_incident" not in said


def test_a_day_with_five_bad_ones_fails_only_above_one_in_twenty(app, client, now):
    """SRC-13: 5 of 100 are not too many, 5 of 99 are; what stands beside is never counted whole."""
    house = pager()
    for _ in range(5):
        client.post(house.path, data="{broken")
    now.shift(601)
    came(94)
    assert watch.look() == 1
    came(1)
    assert watch.look() == 1 and [event.data["after"] for event in changes()] == ["failing", "ok"]


def test_the_word_is_what_is_wrong_now():
    """SRC-13: the truth table, the first that fits from the left."""
    bad, late, some = Counts(50, 5), Counts(50, 5, lately=5), Counts(500, 5)
    word = partial(wellbeing.health, usable=True, paused=False, seen=True)
    assert [word(late, quiet=True), word(bad, quiet=True), word(bad), word(some), word(some, busy=True)] == [
        "failing", "quiet", "failing", "ok", "busy"]
    assert [wellbeing.span(seconds) for seconds in (0, 45, 300, 3600, 5400, 86400, 90000, 172800)] == [
        "0 s", "45 s", "5 min", "1 h", "90 min", "1 d", "25 h", "2 d"]


@pytest.mark.both_databases
def test_of_four_clocks_at_once_one_tells_it(app, client):
    """SRC-13: once per change, however many clocks look."""
    house, barrier, told = pager(), threading.Barrier(4), []
    for _ in range(5):
        client.post(house.path, data="{broken")

    def look():
        with app.app_context():
            barrier.wait()
            told.append(watch.look())
            session.remove()

    session.remove()
    clocks = [threading.Thread(target=look) for _ in range(4)]
    for one in clocks:
        one.start()
    for one in clocks:
        one.join()
    assert sorted(told) == [0, 0, 0, 1] and len(changes()) == 1
