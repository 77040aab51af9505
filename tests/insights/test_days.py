"""Days in columns: the same figures, packed or not, and never older than the facts."""

from __future__ import annotations

import random
from array import array
from datetime import timedelta
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select

from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.insights import counting, days, queries, rollups, service, ticks
from app.insights.columns import KINDS, Chosen, Columns
from app.insights.filters import Filters
from app.insights.models import FactDay, IncidentFact
from app.insights.rules import SEVERITIES
from tests import build
from tests.identity.test_erasing import gone
from tests.insights.conftest import NOW
from tests.insights.test_figures import REFRESH, happened, message
from tests.oncall.test_service import person

PACK = "app.insights.ticks.pack_days"
DAY = timedelta(days=1)


def facts(checkout) -> None:
    """A thousand facts of five days, of two teams and of none, with everything that there may be."""
    chance, team = random.Random(3), checkout.team_id
    with transaction():
        session.execute(insert(IncidentFact), [{
            "incident_id": one, "opened": int(NOW.timestamp()) - chance.randrange(5 * 86400), "severity": chance.choice(SEVERITIES),
            "team_id": chance.choice([team, team + 1, None]), "service_id": chance.choice([checkout.id, None]),
            "urgency": chance.choice(["high", "low"]), "dedup_key": chance.choice(["", "disk", "für"]), "level": chance.randrange(3),
            "acknowledged": chance.choice([None, 0, 5000]), "resolved": chance.choice([None, 0, 599, 600]), "answered_level": 1,
            "automatic": chance.random() < .1, "unaided": chance.random() < .5, "noise": chance.random() < .1, "pages": chance.randrange(3),
        } for one in range(1, 1001)])
        days.stale(days.days_of(range(1, 1001)))


def by_database(filters: Filters) -> list[int]:
    """The same counted by the database."""
    return [session.scalar(select(func.count()).select_from(IncidentFact).where(*queries.scope(filters, SYSTEM), queries.FIGURES[name][1]))
            for name in ("all", "never", "automatic", "acknowledged", "level-1", "escalated", "noise")]


@pytest.mark.both_databases
def test_columns_count_what_the_database_counts_packed_or_not(checkout, tick):
    """INS-01, INS-06: by every filter, with a first and a last day that are cut."""
    facts(checkout)
    chosen = Filters((NOW - 3 * DAY).date(), (NOW - DAY).date(), ZoneInfo("Asia/Kolkata"))
    for turn in range(2):
        for narrower in ({}, {"team": "payments"}, {"service": "checkout"}, {"severity": "high", "urgency": "low"}):
            some = Filters(chosen.first, chosen.last, chosen.zone, **narrower)
            one, noise = queries.response(some, SYSTEM), counting.noise(queries.days(some, SYSTEM, "flags"))
            assert [one.incidents, one.never, one.automatic, one.answered, one.level_1, one.escalated, noise] == \
                by_database(some), (turn, narrower)
        tick(PACK)
    assert session.query(FactDay).filter(FactDay.stale).count() == 1  # today goes on


def test_a_packed_day_that_changes_is_read_from_its_facts_until_it_is_packed_anew(checkout, ana, tick, get):
    """INS-14: a mark counts at once, on the day before yesterday too."""
    with transaction():
        one = [happened(checkout, NOW - 2 * DAY, end=3600) for _ in range(5)][0]
    tick(REFRESH)
    tick(PACK)
    assert session.query(FactDay).one().number == 5 and get("noise")["sources"][0]["noise"] == 0
    with transaction():
        service.mark_noise(session.get_one(Incident, one.id), "a deploy", by=person(ana))
    assert get("noise")["sources"][0]["noise"] == 1
    tick(PACK)
    assert not session.query(FactDay).filter(FactDay.stale).count() and get("noise")["sources"][0]["noise"] == 1


@pytest.mark.both_databases
def test_a_day_that_is_packed_while_a_page_reads_is_on_the_page(app, checkout, monkeypatch):
    """INS-01: whether it is read from its facts or from its columns, it is read."""
    facts(checkout)
    days.pack(limit=1)
    real = days.unpacked

    def packing() -> None:
        with app.app_context():
            days.pack()

    def late(*asked):
        other = Thread(target=packing)
        other.start()
        other.join()
        return real(*asked)
    monkeypatch.setattr(days, "unpacked", late)
    now = int(NOW.timestamp())
    assert sum(map(len, days.read(Chosen(now - 6 * 86400, now + 1), "flags"))) == 1000


def test_columns_are_packed_and_back(checkout):
    """Each value as it was; the database hands out the columns alone that are asked for."""
    facts(checkout)
    during = Chosen(int(NOW.timestamp()) // 86400 * 86400 - 2 * 86400, int(NOW.timestamp()) // 86400 * 86400 - 86400)
    fresh = days.read(during, *KINDS)
    days.pack()
    assert days.read(during, *KINDS) == fresh and list(days.read(during, "flags")[0].held) == ["opened", "flags"]


@pytest.mark.parametrize("services", [1, 200, 256, 257, 5000])
def test_a_day_is_narrowed_to_a_team_however_many_services_it_has(services):
    """Those of few services go by one byte of each incident, those of many one by one."""
    chance, pairs = random.Random(services), [(one % 7 or None, one) for one in range(services)]
    held = {name: array(KINDS[name], [0] * 3000) for name in KINDS}
    held |= {"pair": array("I", chance.choices(range(services), k=3000)), "key": array("I", range(3000))}
    for chosen in (Chosen(0, 1, team=3), Chosen(0, 1, services=frozenset({0, services - 1})), Chosen(0, 1, frozenset({1, 2}))):
        found = Columns(pairs, [], held).narrowed(chosen, ["key"])["key"]
        assert list(found) == [at for at, pair in enumerate(held["pair"]) if chosen.fits(pairs[pair])]


def test_archived_teams_and_services_and_people_who_left_keep_their_past(checkout, signed_in, olga, ana, bob, tick, client, token):
    """INS-24: sums stay, by the names that there were; a team's load as long as the period begins before it was put away."""
    with transaction():
        one = happened(checkout, NOW - 2 * DAY, answer=60, end=900)
        message(one, bob, NOW - 2 * DAY)
        session.merge(bob).state, session.merge(checkout).lifecycle = "deactivated", "archived"
        session.merge(checkout.team).archived_at = NOW - DAY
    tick(REFRESH)
    tick(PACK)
    shown = signed_in(olga).get("/insights/response").text
    assert "Checkout" in shown and "Payments" in shown
    [team] = client.get("/api/v1/insights/load", headers=token(olga)).json["teams"]
    assert team["total"]["pages"] == 1 and [each["name"] for each in team["people"]] == ["Bob"]
    assert not client.get("/api/v1/insights/load?days=1", headers=token(olga)).json["teams"]


def test_an_erased_person_changes_no_figure_and_is_nowhere_named(checkout, bob, signed_in, olga, tick, client, token):
    """INS-24: load, response, noise and delivery are equal to the number; page, rows, CSV and API say “Former person 1”."""
    build.schedule("primary", team=checkout.team, turns=[[bob]])
    with transaction():
        session.merge(bob).time_zone = "Asia/Tokyo"
        for hours in (3, 30, 31, 55):
            at = NOW - timedelta(hours=hours)
            message(happened(checkout, at, answer=60, end=900, by=bob.ref, actor=bob.ref), bob, at)
    tick(REFRESH)

    def said():
        return [client.get(f"/api/v1/insights/{kind}", headers=token(olga)).text for kind in ("load", "response", "noise", "delivery")]
    before = said()
    gone(bob)
    tick(REFRESH)
    renamed = [text.replace("Bob", "Former person 1").replace("bob@example.com", "former-1@invalid") for text in before]
    assert said() == renamed and "Former person 1" in renamed[0]
    browser = signed_in(olga)
    for path in ("/insights/load", "/insights/load.csv", "/insights/incidents.csv?figure=all"):
        assert "Bob" not in browser.get(path).text and ("load" not in path or "Former person 1" in browser.get(path).text)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_takes_long_to_be_written_is_read_once_it_is_there(app, payments, bob, monkeypatch):
    """INS-28: facts of less numbers than those that were read come in behind them."""
    monkeypatch.setattr(rollups, "SETTLED", timedelta())
    first, second = (build.incident(team=payments).id for _ in range(2))
    written, read = Event(), Event()

    def take(one: int, then=lambda: None) -> None:
        with app.app_context(), transaction():
            incidents.acknowledge(session.get_one(Incident, one), by=build.actor(bob))
            session.flush()
            then()
    other = Thread(target=take, args=(first, lambda: written.set() or read.wait(30)))
    other.start()
    assert written.wait(30)
    take(second)
    ticks.refresh()
    read.set()
    other.join()
    ticks.refresh()
    assert {*session.scalars(select(IncidentFact.incident_id).where(IncidentFact.acknowledged.is_not(None)))} == {first, second}
