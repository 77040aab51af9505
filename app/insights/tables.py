"""Figures as documents for machines and as rows of tables to download."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, fields
from typing import Any

from app.core import clock
from app.core.sheets import inert
from app.insights.deliveries import Delivery
from app.insights.load import Share, TeamLoad
from app.insights.queries import Group, Source
from app.insights.rules import Stats, instant
from app.insights.times import Response

INCIDENT = ("number", "title", "team", "service", "severity", "urgency", "opened_at", "acknowledged_at",
            "seconds_to_acknowledge", "resolved_at", "seconds_to_resolve", "answered_by_machine", "resolved_unaided",
            "marked_as_noise", "highest_level", "pages")


def stats_document(one: Stats) -> dict[str, Any]:
    """Seconds, and how many cases."""
    return {**asdict(one), "few": one.few}


def response_document(one: Response, groups: dict[str, list[Group]]) -> dict[str, Any]:
    """How incidents were answered."""
    return {"unit": "seconds", "incidents": one.incidents, "acknowledge": stats_document(one.acknowledge),
            "resolve": stats_document(one.resolve), "never_acknowledged": one.never, "automatic": one.automatic,
            "answered": one.answered, "answered_at_level_1": one.level_1, "escalated": one.escalated,
            **{name: [{"key": each.key, "name": each.name, "incidents": each.incidents,
                       "acknowledge": stats_document(each.acknowledge), "resolve": stats_document(each.resolve)}
                      for each in some] for name, some in groups.items()}}


def load_document(teams: Iterable[TeamLoad]) -> dict[str, Any]:
    """What being on call cost, by team; people where the reader may see them."""
    return {"unit": "hours", "teams": [{
        "key": one.team.key, "name": one.team.name, "balance": one.balance, "gap_hours": one.gap_hours, "total": one.total,
        "people": [share_document(each) for each in one.shares]} for one in teams]}


def share_document(one: Share) -> dict[str, Any]:
    """One person's part."""
    hours = {name: round(getattr(one.duty, name).total_seconds() / 3600, 2)
             for name in ("hours", "nights", "weekends", "holidays", "weighted")}
    return {"email": one.user.email, "name": one.user.name, **hours,
            "longest": round(one.longest.total_seconds() / 3600, 2), "pages": one.pages,
            "interruptions": one.interruptions, **one.parts, "nights_woken": one.nights}


def noise_document(found: Iterable[Source]) -> dict[str, Any]:
    """What pages without need."""
    return {"unit": "percent", "sources": [{**asdict(one), "share": one.share} for one in found]}


def delivery_document(found: Delivery) -> dict[str, Any]:
    """How messages fared."""
    return {"unit": "seconds", "channels": [
        {"channel": one.channel, "provider": one.provider, "messages": one.number, "states": one.states,
         "attempts": one.attempts, "queued_to_sent": stats_document(one.queued),
         "sent_to_delivered": stats_document(one.arrived)} for one in found.channels],
        "reasons": [{"reason": reason, "messages": number} for reason, number in found.reasons],
        "first_pages": stats_document(found.first),
        "hours_over_target": [{"hour": clock.rfc3339(instant(hour)), "first_pages": number, "p99": p99}
                              for hour, number, p99 in found.over],
        "providers_in_trouble": [{"channel": one.channel, "provider": one.name, "account": one.account,
                                  "failures": one.failures, "left_out": one.left_out, "last": clock.rfc3339(one.last)}
                                 for one in found.troubles]}


def incident_rows(rows: Iterable[Any], names: dict[str, dict[int, str]]) -> Iterator[list[object]]:
    """The head, and a row for each incident; times in UTC."""
    yield list(INCIDENT)
    for fact in rows:
        yield [fact.incident_id, fact.title, names["team"].get(fact.team_id or 0, ""),
               names["service"].get(fact.service_id or 0, ""), fact.severity, fact.urgency, _at(fact.opened),
               _at(fact.opened, fact.acknowledged), _text(fact.acknowledged),
               _at(fact.opened, fact.resolved), _text(fact.resolved), *map(_yes, (fact.automatic, fact.unaided, fact.noise)),
               fact.level, fact.pages]


def response_rows(one: Response, groups: dict[str, list[Group]]) -> Iterator[list[object]]:
    """The head, and a row for all incidents together, and for each team, service and severity; times in seconds."""
    names = [column.name for column in fields(Stats)]
    yield ["by", "key", "name", "incidents", *(f"{what}_{name}" for what in ("acknowledge", "resolve") for name in names)]
    everything = [("all", [Group("", "all", one.incidents, one.acknowledge, one.resolve)]), *groups.items()]
    for by, some in everything:
        yield from ([by, each.key, each.name, each.incidents, *map(_text, astuple(each.acknowledge) + astuple(each.resolve))]
                    for each in some)


def load_rows(teams: Iterable[TeamLoad]) -> Iterator[list[object]]:
    """The head, and a row for each person that the reader may see."""
    head: list[object] | None = None
    for team in teams:
        for one in team.shares:
            row = {"team": team.team.name, **share_document(one)}
            if head is None:
                head = list(row)
                yield head
            yield list(row.values())
    if head is None:
        yield ["team", "email", "name"]


def noise_rows(found: Iterable[Source]) -> Iterator[list[object]]:
    """The head, and a row for each source."""
    yield ["kind", "key", "name", "incidents", "pages", "noise", "marked", "flapping", "share"]
    yield from ([*asdict(one).values(), one.share] for one in found)


def delivery_rows(found: Delivery) -> Iterator[list[object]]:
    """The head, and a row for each channel, provider and state."""
    yield ["channel", "provider", "state", "messages"]
    for one in found.channels:
        yield from ([one.channel, one.provider, state, number] for state, number in sorted(one.states.items()))


def written(rows: Iterable[list[object]]) -> Iterator[str]:
    """The rows as RFC 4180 has them, piece by piece; what a spreadsheet would take for a formula is made inert."""
    text = io.StringIO()
    table = csv.writer(text)
    for number, row in enumerate(rows, 1):
        table.writerow([inert(cell) for cell in row])
        if number % 200 == 1:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _at(opened: int, after: int | None = 0) -> str:
    return "" if after is None else str(clock.rfc3339(instant(opened + after)))


def _text(seconds: float | None) -> object:
    return "" if seconds is None else seconds


def _yes(value: bool) -> str:
    return "yes" if value else "no"
