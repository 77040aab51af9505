"""Figures: 500 incidents with known times, counted again by hand, and everything that must be in no figure."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
import time_machine

from app.core.db import session, transaction
from app.core.events import Event
from app.incidents import merging
from app.incidents.models import Incident
from app.insights.models import DeliverySum, IncidentFact, PageFact
from app.insights.rollups import rebuild
from app.notifications.models import ContactMethod, Message
from tests import build
from tests.insights.conftest import NOW
from tests.oncall.test_service import person

REFRESH = "app.insights.ticks.refresh"


def told(kind: str, incident: int, at: datetime, actor: str = "integration:1", **data) -> Event:
    """A row of the log."""
    return Event(kind=kind, at=at, actor=actor, actor_name=actor, subject=f"incident:{incident}", also=[], data=data)


def happened(checkout, at: datetime, *, answer: int | None = None, by: str = "", end: int | None = None, actor: str = "integration:1",
             **columns) -> Incident:
    """An incident of the past: answered and resolved so many seconds after it was opened, by whom."""
    by = by or f"user:{checkout.team.memberships[0].user_id}"
    status = "resolved" if end is not None else "acknowledged" if answer is not None else "triggered"
    one = build.incident(service=checkout, **{"opened_at": at, "triggered_at": at, "status": status, **columns})
    rows = [told("incident.opened", one.id, at)]
    rows += [told("incident.acknowledged", one.id, at + timedelta(seconds=answer), by, via="web")] if answer is not None else []
    rows += [told("incident.resolved", one.id, at + timedelta(seconds=end), actor, via="alert")] if end is not None else []
    session.add_all(rows)
    session.flush()
    return one


def five_hundred(checkout) -> list[tuple[int | None, int | None]]:
    """Incidents of the last four weeks; after how many seconds each was answered and resolved, if ever."""
    chance, truth = random.Random(7), []
    with transaction():
        for _ in range(500):
            answer = chance.choice([None, chance.randrange(1, 4000)])
            end = chance.choice([None, (answer or 0) + chance.randrange(1, 9000)])
            happened(checkout, NOW - timedelta(minutes=chance.randrange(10, 40000)), answer=answer, end=end)
            truth.append((answer, end))
    return truth


def test_each_figure_of_five_hundred_incidents_equals_one_counted_by_hand(checkout, get, tick, signed_in, ana):
    """INS-01, INS-03: to the second, in page, rows, CSV and API."""
    truth = five_hundred(checkout)
    tick(REFRESH)
    said = get("response")
    times = {name: sorted(one[place] for one in truth if one[place] is not None) for place, name in enumerate(("acknowledge", "resolve"))}
    for name, some in times.items():
        assert (said[name]["count"], said[name]["median"], said[name]["p90"]) == (
            len(some), median(some), some[-(-len(some) * 90 // 100) - 1])
        assert said[name]["mean"] == pytest.approx(sum(some) / len(some))
    never = sum(answer is None and end is not None for answer, end in truth)
    assert (said["incidents"], said["never_acknowledged"]) == (500, never)
    browser = signed_in(ana)
    table = list(csv.DictReader(io.StringIO(browser.get("/insights/incidents.csv?figure=never").text)))
    assert len(table) == never and not any(row["seconds_to_acknowledge"] for row in table)
    assert [one["incidents"] for one in said["by_team"]] == [500] and f"<b>{never}</b>" in browser.get("/insights").text


def test_a_machine_that_answers_is_no_person_and_the_first_answer_counts(checkout, get, tick, ana):
    """INS-02"""
    with transaction():
        happened(checkout, NOW - timedelta(hours=3), answer=5, by="workflow:1")
        one = happened(checkout, NOW - timedelta(hours=2), answer=60)
        session.add_all([told("incident.unacknowledged", one.id, NOW - timedelta(hours=1), f"user:{ana.id}"),
                         told("incident.acknowledged", one.id, NOW - timedelta(minutes=30), f"user:{ana.id}", via="web")])
    tick(REFRESH)
    said = get("response")
    assert (said["automatic"], said["acknowledge"]["count"], said["acknowledge"]["median"]) == (1, 1, 60)
    assert said["acknowledge"]["few"] is True


def test_tests_and_merged_ones_are_in_no_figure_also_after_the_fact(checkout, get, tick, ana, now):
    """INS-04"""
    with transaction():
        happened(checkout, NOW - timedelta(hours=1), test=True)
        first, second = (happened(checkout, NOW - timedelta(minutes=50)) for _ in range(2))
    tick(REFRESH)
    assert get("response")["incidents"] == 2
    with transaction():
        merging.merge(session.get_one(Incident, second.id), session.get_one(Incident, first.id), by=person(ana))
    now.shift(10)
    tick(REFRESH)
    assert get("response")["incidents"] == 1


def test_a_day_is_a_local_day_and_moving_the_zone_moves_incidents_but_not_their_sum(checkout, get, tick, signed_in, ana):
    """INS-05: half an hour before midnight in Berlin, on the night on which its clocks go forward."""
    with transaction(), time_machine.travel(datetime(2026, 3, 30, 9, tzinfo=UTC), tick=False):
        happened(checkout, datetime(2026, 3, 28, 22, 30, tzinfo=UTC))
        happened(checkout, datetime(2026, 3, 29, 21, 30, tzinfo=UTC))
    with time_machine.travel(datetime(2026, 3, 30, 9, tzinfo=UTC), tick=False):
        tick(REFRESH)
        for zone, days in (("Europe/Berlin", [1, 1]), ("Asia/Kolkata", [0, 1])):
            counts = [get("response", **{"from": day, "to": day, "time_zone": zone})["incidents"] for day in ("2026-03-28", "2026-03-29")]
            assert counts == days
            assert get("response", **{"from": "2026-03-27", "to": "2026-03-31", "time_zone": zone})["incidents"] == 2
        shown = signed_in(ana).get("/insights?from=2026-03-28&to=2026-03-29&time_zone=Europe/Berlin").text
        assert '<th scope="row">2026-03-28</th>' in shown


def test_private_teams_are_in_no_figure_of_people_outside(checkout, client, token, get, tick, charlie, ana, olga):
    """INS-07: and the page says that it covers what the reader may see."""
    secret = build.service("secret", team=build.team("secret", manager=olga, private=True))
    with transaction():
        happened(checkout, NOW - timedelta(hours=1))
        happened(secret, NOW - timedelta(hours=1))
    tick(REFRESH)
    for who, number in ((olga, 2), (ana, 1), (charlie, 1)):
        assert client.get("/api/v1/insights/response", headers=token(who)).json["incidents"] == number
    assert get("response", 404, team="secret")["status"] == 404
    table = client.get("/api/v1/insights/load", headers=token(charlie)).json
    assert [one["key"] for one in table["teams"]] == ["payments"]


def test_a_source_that_resolves_itself_is_listed_and_a_mark_counts_and_is_taken_back(checkout, client, token, get, tick, ana, bob):
    """INS-14: 10 of 12 within ten minutes; Bob marks one more, and takes it back."""
    source = build.integration("prometheus", plugin="alertmanager", team=checkout.team, service=checkout)
    with transaction():
        for number in range(12):
            one = happened(checkout, NOW - timedelta(hours=number + 1), end=300 if number < 10 else 3000)
            build.alert(one, integration=source, dedup_key="queue", status="resolved")
    tick(REFRESH)

    def shares():
        return {one["kind"]: one["share"] for one in get("noise")["sources"]}
    assert shares() == {"integration": 83, "service": 83, "key": 83}
    path, headers = f"/api/v1/incidents/{one.id}/noise", token(bob)
    assert client.post(path, json={"reason": "a deploy"}, headers=headers).status_code == 204
    assert shares()["key"] == 92
    assert client.post(path, json={"reason": " "}, headers=headers).status_code == 422
    assert client.delete(path, headers=headers).status_code == 204
    assert shares()["key"] == 83


def test_machines_get_the_figures_of_the_page_with_units_by_a_key_that_may_read_incidents(checkout, client, token, signed_in, tick, ana):
    """INS-27: the same filters, the same numbers; a key for schedules alone gets none."""
    with transaction():
        for number in range(6):
            message(happened(checkout, NOW - timedelta(hours=number + 1), answer=90, end=150), ana, NOW - timedelta(hours=number + 1))
    tick(REFRESH)
    browser, units = signed_in(ana), {"response": "seconds", "load": "hours", "noise": "percent", "delivery": "seconds"}
    for kind, unit in units.items():
        address = f"/api/v1/insights/{kind}?team=payments&days=7"
        said = client.get(address, headers=token(ana, scopes=["incidents:read"])).json
        assert said["unit"] == unit and said["filters"] == {"team": "payments"}
        refused = (client.get(address).status_code, client.get(address, headers=token(ana, scopes=["schedules:read"])).status_code)
        assert refused == (401, 403)
    said = client.get("/api/v1/insights/response?team=payments&days=7", headers=token(ana)).json
    shown = browser.get("/insights/response?team=payments&days=7").text
    assert (said["acknowledge"]["count"], said["acknowledge"]["median"], said["resolve"]["p95"]) == (6, 90, 150)
    assert '<td class="r">6</td><td class="r">1 min 30 s</td>' in shown and "2 min 30 s" in shown


def test_rebuilding_from_the_log_gives_exactly_the_same(checkout, tick, get, ana, run_jobs):
    """INS-25, INS-28: facts, pages and sums; closed days outlive their messages."""
    with transaction():
        for number in range(40):
            one = happened(checkout, NOW - timedelta(hours=5 * number + 1), answer=number * 10 or None, end=number * 100 + 500)
            message(one, ana, one.opened_at + timedelta(seconds=3))
    tick(REFRESH)
    while tick("app.insights.ticks.close_hours"):
        pass
    before, said = everything(), (get("response"), get("delivery"), get("load"))
    rebuild()
    assert everything() == before and (get("response"), get("delivery"), get("load")) == said
    with transaction():
        session.query(Message).filter(Message.queued_at < NOW - timedelta(days=3)).delete()
    assert get("delivery") == said[1] and get("load") == said[2]


def message(one: Incident, user, at: datetime, **columns) -> Message:
    """A page that went out."""
    method = session.query(ContactMethod).filter_by(user_id=user.id).first()
    found = Message(kind="page", incident_id=one.id, user_id=user.id, method_id=method.id, channel="email", address="x", queued_at=at,
                    sent_at=at + timedelta(seconds=2), state="sent", provider="smtp", attempts=1, next_at=at, **columns)
    session.add(found)
    session.flush()
    return found


def everything() -> list[tuple]:
    """All that is kept, but for ids that mean nothing."""
    session.expire_all()
    return sorted(tuple(str(getattr(row, column.name)) for column in model.__table__.columns if column.name != "id")
                  for model in (IncidentFact, PageFact, DeliverySum) for row in session.query(model))
