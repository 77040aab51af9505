"""What the pages of figures show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.models import Team, User
from app.identity.queries import may, visible_teams
from app.incidents.models import Incident
from app.ingest.models import Integration
from app.insights import charts, counting, deliveries, filters, load, queries, spans, times
from app.insights.charts import Chart
from app.insights.filters import Filters
from app.insights.models import IncidentFact, NoiseMark, PageFact
from app.insights.rules import HOUR, SEVERITIES, TARGET, days, instant, midnight, offsets, share, span_words

ROWS, LARGEST = 100, 25
"""Incidents on a page of them, and services of which the page of response shows the largest."""


@dataclass(frozen=True)
class Frame:
    """What stands on each page: the filters, what can be chosen, and whether there is more than the reader may see."""

    filters: Filters
    page: str
    choices: Mapping[str, list[tuple[str, str]]]
    partial: bool

    @property
    def takes(self) -> tuple[str, ...]:
        """The names of the filters that the page takes."""
        return filters.TAKES[self.page]


@dataclass(frozen=True)
class Base:
    """The frame, and how figures are worded."""

    frame: Frame

    @staticmethod
    def span(seconds: float | None) -> str:
        """`1 min 50 s`."""
        return span_words(seconds)

    @staticmethod
    def instant(seconds: int) -> datetime:
        """The instant so many seconds after the beginning of 1970."""
        return instant(seconds)

    @staticmethod
    def percent(part: int, whole: int) -> str:
        """`87 %`, a dash of nothing."""
        found = share(part, whole)
        return "–" if found is None else f"{found} %"


@dataclass(frozen=True)
class Overview(Base):
    """How it went, beside the period before."""

    now: times.Response
    before: times.Response
    charts: list[Chart]
    sentences: list[str]


@dataclass(frozen=True)
class ResponsePage(Base):
    """Who waited how long, by team, service and severity; of many groups the largest, and how many are left out."""

    now: times.Response
    groups: list[tuple[str, str, list[queries.Group], int]]
    slowest: list[tuple[IncidentFact, str]]
    charts: list[Chart]


@dataclass(frozen=True)
class LoadPage(Base):
    """What being on call cost whom, and the reader's own pages."""

    teams: list[load.TeamLoad]
    mine: list[PageFact]
    titles: Mapping[int, str]


@dataclass(frozen=True)
class NoisePage(Base):
    """What pages without need, and what the reader may change about it: routes, and which services."""

    sources: list[queries.Source]
    may_route: bool
    services: frozenset[str]


@dataclass(frozen=True)
class DeliveryPage(Base):
    """How messages fared."""

    delivery: deliveries.Delivery
    target: int = TARGET


@dataclass(frozen=True)
class LatePage(Base):
    """The first pages of an hour that were handed over after the target."""

    hour: int
    rows: list[Any]
    target: int = TARGET


@dataclass(frozen=True)
class ListPage(Base):
    """The incidents that a figure counts."""

    figure: str
    words: str
    rows: list[tuple[IncidentFact, str]]
    next: int


def asked(args: Mapping[str, str], by: Actor, page: str) -> Filters:
    """The filters of an address that the page takes; the reader's own zone unless one is named. Raises Invalid."""
    user = session.get(User, by.user_id) if by.user_id is not None else None
    return filters.read(args, zone=user.time_zone if user else "UTC", now=clock.now()).taken(page)


def frame(chosen: Filters, page: str, by: Actor) -> Frame:
    """What stands on each page."""
    def among(model: queries.Model) -> list[tuple[str, str]]:
        label = model.key if model is Integration else model.name  # type: ignore[union-attr]
        query = select(model.key, label).where(queries.known(model, by)).order_by(label).limit(500)
        return [(key, name) for key, name in session.execute(query)]
    choices = {"team": among(Team), "service": among(Service), "integration": among(Integration),
               "severity": [(one, one) for one in SEVERITIES], "urgency": [("high", "high"), ("low", "low")]}
    return Frame(chosen, page, {name: some for name, some in choices.items() if name in filters.TAKES[page]},
                 visible_teams(by) is not None)


def overview(args: Mapping[str, str], by: Actor) -> Overview:
    """How it went."""
    chosen = asked(args, by, "overview")
    now, before = queries.response(chosen, by), queries.response(chosen.before, by)
    some, others = queries.days(chosen, by, "severity", "acknowledged"), queries.days(chosen.before, by, "acknowledged")
    (parts, starts), (_, earlier) = columns(chosen), columns(chosen.before)
    shown = [charts.stacked("Incidents", parts, counting.severities(some, starts)),
             charts.lines("Time to acknowledge", parts, counting.medians(some, starts), counting.medians(others, earlier))]
    return Overview(frame(chosen, "overview", by), now, before, shown, times.sentences(now, before))


def columns(chosen: Filters) -> tuple[charts.Columns, list[int]]:
    """The days of each column of a chart, and the instants at which these begin."""
    found = charts.buckets(list(days(chosen.first, chosen.last)))
    return found, [int(midnight(some[0], chosen.zone).timestamp()) for some in found]


def response_page(args: Mapping[str, str], by: Actor) -> ResponsePage:
    """Who waited how long."""
    chosen = asked(args, by, "response")
    found = queries.cells(chosen, by)
    hours = spans.hours(queries.chosen(chosen, by), offsets(chosen.since, chosen.until, chosen.zone))
    groups = queries.groups(found, by, most=LARGEST)
    shown = [(name, words, groups[name][0], max(0, groups[name][1] - LARGEST)) for name, words in (
        ("team", "Teams"), ("service", "Services"), ("severity", "Severities"))]
    return ResponsePage(frame(chosen, "response", by), times.response(found["teams"]), shown, queries.slowest(chosen, by),
                        [charts.heat("When incidents come", hours)])


def load_page(args: Mapping[str, str], by: Actor) -> LoadPage:
    """What being on call cost whom."""
    chosen = asked(args, by, "load")
    mine = load.my_pages(chosen, by) if by.user_id is not None else []
    titles = {key: title for key, title in session.execute(select(Incident.id, Incident.title).where(
        Incident.id.in_({one.incident_id for one in mine})))}
    return LoadPage(frame(chosen, "load", by), load.load(chosen, by), mine, titles)


def noise_page(args: Mapping[str, str], by: Actor) -> NoisePage:
    """What pages without need."""
    chosen = asked(args, by, "noise")
    found = queries.sources(chosen, by)
    named = session.execute(select(Service.key, Service.team_id).where(
        Service.key.in_([one.key for one in found if one.kind == "service"])))
    return NoisePage(frame(chosen, "noise", by), found, may(by, "route.edit"), frozenset(
        key for key, team in named if may(by, "service.edit", team_id=team)))


def delivery_page(args: Mapping[str, str], by: Actor) -> DeliveryPage:
    """How messages fared."""
    chosen = asked(args, by, "delivery")
    return DeliveryPage(frame(chosen, "delivery", by), deliveries.delivery(chosen, by))


def late_page(args: Mapping[str, str], by: Actor) -> LatePage:
    """The first pages that made an hour go over target. Raises NotFound for what is no hour."""
    chosen, text = asked(args, by, "delivery"), args.get("hour", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 11):
        raise NotFound("There is no such hour")
    hour = int(text) // HOUR * HOUR
    return LatePage(frame(chosen, "delivery", by), hour, deliveries.late(hour, chosen, by))


def list_page(args: Mapping[str, str], by: Actor) -> ListPage:
    """The incidents that a figure counts, newest first. Raises NotFound."""
    chosen, figure = asked(args, by, "overview"), args.get("figure", "all")
    start = int(args["start"]) if args.get("start", "").isdecimal() and len(args["start"]) < 9 else 0
    found = [(row[0], row[1]) for row in session.execute(
        queries.listed(chosen, by, figure).offset(start).limit(ROWS + 1))]
    return ListPage(frame(chosen, "overview", by), figure, queries.FIGURES[figure][0], found[:ROWS],
                    start + ROWS if len(found) > ROWS else 0)


def noise_mark(incident_id: int) -> NoiseMark | None:
    """Whether an incident is marked as noise, by whom and why."""
    return session.get(NoiseMark, incident_id)
