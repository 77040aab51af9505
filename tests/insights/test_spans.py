"""Several days at once: the same figures as of the rows, whatever is asked for, packed or not, and never older than they."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from datetime import timedelta
from statistics import median
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select

from app.core.access import SYSTEM, Actor
from app.core.db import session, transaction
from app.incidents.models import Incident
from app.insights import counting, days, pages, queries, rollups, rules, service, spans, ticks, times
from app.insights.filters import Filters
from app.insights.models import FactDay, FactSpan, IncidentFact, PageFact
from app.insights.rules import DAY, SEVERITIES
from tests import build
from tests.insights.conftest import NOW
from tests.insights.test_figures import REFRESH, happened
from tests.oncall.test_service import person

LONG = timedelta(days=150)


@pytest.fixture
def facts(checkout, olga, charlie):
    """Eight hundred facts of 150 days, of a private team too and of nobody, with everything that there may be; how to read them."""
    hidden = build.service("hush", team=build.team("quiet", manager=olga, private=True))
    source = build.integration("prometheus", plugin="alertmanager", team=checkout.team, service=checkout)
    chance, owners = random.Random(5), [(checkout.team_id, checkout.id), (checkout.team_id, None), (hidden.team_id, hidden.id), (None, None)]
    rows = []
    for one in range(1, 801):
        team, owned = chance.choice(owners)
        rows.append({
            "incident_id": one, "opened": int(NOW.timestamp()) - chance.randrange(150 * DAY), "severity": chance.choice(SEVERITIES),
            "team_id": team, "service_id": owned, "integration_id": chance.choice([source.id, None]), "level": chance.randrange(3),
            "urgency": chance.choice(["high", "low"]), "dedup_key": chance.choice(["", "disk", "für"]), "pages": chance.randrange(3),
            "acknowledged": chance.choice([None, 0, chance.randrange(5000)]), "resolved": chance.choice([None, 0, chance.randrange(10**6)]),
            "answered_level": 1, "automatic": chance.random() < .1, "unaided": chance.random() < .5, "noise": chance.random() < .1})
    paged = [{"message_id": one, "incident_id": one, "user_id": chance.choice((olga.id, charlie.id)), "team_id": checkout.team_id,
              "at": rows[one - 1]["opened"] + chance.randrange(900)} for one in range(1, 801)]
    with transaction():
        session.execute(insert(IncidentFact), rows)
        session.execute(insert(PageFact), paged)
        days.stale(days.days_of(range(1, 801)))
    return rows


def counted(filters: Filters, by: Actor) -> tuple:
    """What the rows say, one by one: all together, by severity, by service, by hour of the week, by key, and by column
    of the charts; and who was paged when."""
    rows = session.scalars(select(IncidentFact).where(*queries.scope(filters, by))).all()
    groups = {name: Counter(getattr(row, name) for row in rows) for name in ("severity", "service_id")}
    hours = Counter((at.weekday(), at.hour) for row in rows if (at := rules.instant(row.opened).astimezone(filters.zone)))
    keys = {key: [sum(map(value, some)) for value in (lambda row: 1, lambda row: row.pages, lambda row: row.noise or bool(
        row.unaided and row.resolved is not None and row.resolved < 600), lambda row: row.noise, lambda row: row.flapping)]
        for key in ("disk", "für") if (some := [row for row in rows if row.dedup_key == key])}
    _, starts = pages.columns(filters)
    columns = [[row for row in rows if bisect_right(starts, row.opened) == place] for place, _ in enumerate(starts, 1)]
    chart = ([{level: sum(row.severity == level for row in some) for level in SEVERITIES} for some in columns],
             [seconds([row.acknowledged for row in some])[1] for some in columns])
    since, until = int(filters.since.timestamp()), int(filters.until.timestamp())
    paged = sorted((row.user_id, row.at) for row in session.scalars(select(PageFact).where(PageFact.at >= since, PageFact.at < until)))
    return (paged, len(rows), *(seconds([getattr(row, name) for row in rows]) for name in ("acknowledged", "resolved")), groups, hours, keys,
            chart)


def seconds(some: list[int | None]) -> tuple:
    """How many there are, the median, the mean, and what 90, 95 and 99 of 100 do not exceed."""
    known = sorted(one for one in some if one is not None)
    if not known:
        return (0, None, None, None, None, None)
    return (len(known), median(known), sum(known) / len(known), *(known[-(-len(known) * share // 100) - 1] for share in (90, 95, 99)))


def told(filters: Filters, by: Actor) -> tuple:
    """The same as the pages have it."""
    found, chosen = queries.cells(filters, by), queries.chosen(filters, by)
    all_of_them = times.response(found["teams"])
    groups = {name: Counter({value: times.number(some) for value, some in times.groups(found[kind], dimension).items()})
              for name, dimension, kind in (("severity", "severity", "levels"), ("service_id", "service", "services"))}
    paged = sorted((user, at) for (_, user), some in spans.pages(chosen.since, chosen.until).items() for at in some)
    some, (_, starts) = queries.days(filters, by, "severity", "acknowledged"), pages.columns(filters)
    return (paged, all_of_them.incidents, *((one.count, one.median, one.mean, one.p90, one.p95, one.p99) for one in (
        all_of_them.acknowledge, all_of_them.resolve)), groups, Counter(spans.hours(chosen, rules.offsets(
            filters.since, filters.until, filters.zone))), {key: some for key, some in spans.sources(chosen)["key"].items() if some[0]},
            (counting.severities(some, starts), counting.medians(some, starts)))


def twenty(chance: random.Random) -> list[Filters]:
    """Periods and filters as somebody may ask for."""
    found = []
    for _ in range(20):
        length = chance.choice((1, 30, 90, 150))
        last = (NOW - timedelta(days=chance.randrange(150 - length + 1))).date()
        more = chance.sample([("team", "payments"), ("service", "checkout"), ("integration", "prometheus"), ("severity", "high"),
                              ("urgency", "low")], chance.choice((0, 0, 1, 2)))
        zone = ZoneInfo(chance.choice(("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu")))
        found.append(Filters(last - timedelta(days=length - 1), last, zone, **dict(more)))
    return found


@pytest.mark.both_databases
def test_twenty_filters_at_random_give_what_the_rows_say(facts, charlie, tick, monkeypatch):
    """INS-01, INS-07: brute force beside rollups: nothing packed, days, longer and longer spans; also for people outside; runs that
    are looked into and runs that are merged."""
    asked = twenty(random.Random(1))
    readers = (SYSTEM, person(charlie)) * 10
    truth = [counted(one, by) for one, by in zip(asked, readers, strict=True)]
    for turn in range(3):
        monkeypatch.setattr(rules, "LONG", turn % 2)
        assert [told(one, by) for one, by in zip(asked, readers, strict=True)] == truth, turn
        while (days.pack, ticks.pack_days, ticks.pack_days)[turn]():
            pass
    assert session.scalar(select(func.count()).select_from(FactSpan).where(~FactSpan.stale, FactSpan.length == 64)) >= 1


def test_what_changes_on_an_old_day_counts_at_once_and_is_packed_again(checkout, facts, ana, tick):
    """INS-14, INS-28: a mark on an incident of a packed quarter; a rebuild leaves nothing stale but what goes on."""
    while ticks.pack_days():
        pass
    whole = Filters((NOW - LONG).date(), NOW.date(), ZoneInfo("UTC"))
    with transaction():
        old = happened(checkout, NOW - timedelta(days=100), end=3000)
    tick(REFRESH)
    assert told(whole, SYSTEM) == counted(whole, SYSTEM)
    with transaction():
        service.mark_noise(session.get_one(Incident, old.id), "a deploy", by=person(ana))
    stale = session.scalars(select(FactSpan.length).where(FactSpan.stale, FactSpan.first <= int(NOW.timestamp()) // DAY - 100)).all()
    assert {*stale} == {4, 16, 64} and told(whole, SYSTEM) == counted(whole, SYSTEM)
    while ticks.pack_days():
        pass
    assert told(whole, SYSTEM) == counted(whole, SYSTEM)


@pytest.mark.both_databases
def test_a_day_that_changes_while_its_span_is_packed_leaves_it_stale(app, facts, monkeypatch):
    """INS-28: the change waits for the packing, and says so after it."""
    while days.pack():
        pass
    real, others = spans.of_columns, []

    def changes(first: int) -> None:
        with app.app_context(), transaction():
            days.stale([first])

    def meanwhile(some):
        others.append(Thread(target=changes, args=(some[0]["opened"][0] // DAY,)))
        others[-1].start()
        return real(some)
    monkeypatch.setattr(spans, "of_columns", meanwhile)
    assert spans.pack(limit=1) and [one.join() for one in others]
    changed = session.scalars(select(FactDay.day).where(FactDay.stale, FactDay.day < int(NOW.timestamp()) // DAY)).all()
    fresh = session.execute(select(FactSpan.length, FactSpan.first).where(~FactSpan.stale)).all()
    assert changed and not any(first <= day < first + length for day in changed for length, first in fresh)


def test_a_rebuild_packs_all_days_and_spans_anew(checkout, tick):
    """INS-28: what was thrown out of the rows is out of the spans."""
    with transaction():
        one = happened(checkout, NOW - timedelta(days=70), end=60)
        happened(checkout, NOW - timedelta(days=70), end=90)
    tick(REFRESH)
    while ticks.pack_days():
        pass
    with transaction():
        session.get_one(Incident, one.id).test = True
    rollups.rebuild()
    whole = Filters((NOW - LONG).date(), NOW.date(), ZoneInfo("UTC"))
    assert told(whole, SYSTEM)[1] == 1 and not session.scalars(select(FactSpan.first).where(FactSpan.stale, FactSpan.length == 4)).all()
