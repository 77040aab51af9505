"""What people type and machines send about swaps and cover, and the forms of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.core.access import Actor
from app.core.errors import Problem
from app.core.forms import Problems
from app.identity.models import User
from app.oncall import drafts, exchanges, queries, rules
from app.oncall.exchange_rules import Span, by_person
from app.oncall.lanes import zone_name
from app.oncall.models import Schedule
from app.oncall.swaps import Offer

AHEAD = timedelta(days=60)
Values = Mapping[str, Any]


@dataclass(frozen=True)
class ExchangeForm:
    """The form of a swap or of a request for cover: the shifts to choose from, what was typed, what is wrong."""

    schedule: Schedule
    zone: str
    own: list[tuple[str, str]]
    others: list[tuple[str, str]]
    values: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)


def exchange_form(schedule: Schedule, by: Actor, typed: Mapping[str, str], problems: Sequence[Problem] = ()) -> ExchangeForm:
    """The form with the shifts of the next 60 days: one's own, and for managers everybody's, as `email|start|end`."""
    zone, now = zone_name(schedule, by, "mine"), exchanges.moment()
    plan = queries.plan_of(schedule)
    found = by_person(rules.whole_shifts(plan, now, now + AHEAD, inactive=queries.inactive_of(plan)))
    people = queries.named(found)
    manages = exchanges.manages(schedule, by)

    def choices(wanted: bool) -> list[tuple[str, str]]:
        return [(f"{people[one].email}|{max(start, now).isoformat()}|{end.isoformat()}",
                 ("" if one == by.user_id else f"{people[one].name}: ") + _words((start, end), zone))
                for one, spans in sorted(found.items(), key=lambda pair: people[pair[0]].name)
                if (one == by.user_id) is wanted or manages for start, end in spans]

    faults: dict[str, str] = {}
    for one in problems:
        faults.setdefault(one.field.partition(".")[0], one.message)
    own, others = (_with(choices(wanted), typed.get(name, ""), zone) for name, wanted in (("gives", True), ("takes", False)))
    return ExchangeForm(schedule, zone, own, others, typed, faults)


def _with(known: list[tuple[str, str]], value: str, zone: str) -> list[tuple[str, str]]:
    """The choices and what was typed, if it is a span of its own: one of several in a row, or further ahead."""
    email, _, span = value.partition("|")
    start, _, end = span.partition("|")
    if value in dict(known):
        return known
    try:
        return [*known, (value, f"{email}: {_words((datetime.fromisoformat(start), datetime.fromisoformat(end)), zone)}")]
    except (ValueError, OverflowError):
        return known


def typed_swap(form: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a posted swap as machines send them; a part of a shift takes the place of the whole."""
    (giver, gives), (taker, takes) = (_chosen(form, name) for name in ("gives", "takes"))
    return {"proposer": giver, "gives": gives, "counterpart": taker, "takes": takes, "reason": form.get("reason", "")}


def typed_cover(form: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a posted request for cover as machines send them."""
    person, span = _chosen(form, "gives")
    return {"person": person, "starts": span["start"], "ends": span["end"], "reason": form.get("reason", "")}


def read_swap(values: Values, schedule: Schedule, by: Actor, *, zone: str = "") -> Offer:
    """A swap from its fields; without `proposer` it is the caller's. Raises Invalid."""
    problems = Problems()
    people = drafts.people_named([values.get("proposer"), values.get("counterpart")])
    proposer = _person("proposer", values, people, by=by, problems=problems)
    counterpart = _person("counterpart", values, people, by=by, problems=problems)
    gives, takes = (_span(values.get(name) or {}, ("start", "end"), schedule, problems=problems.at(name), zone=zone)
                    for name in ("gives", "takes"))
    problems.raise_if_any()
    assert proposer and counterpart and gives and takes
    return Offer(proposer, counterpart, gives, takes, values.get("reason") or "")


def read_cover(values: Values, schedule: Schedule, by: Actor, *, zone: str = "") -> tuple[User, Span]:
    """Who asks for cover, and for which span. Raises Invalid."""
    problems = Problems()
    person = _person("person", values, drafts.people_named([values.get("person")]), by=by, problems=problems)
    span = _span({"starts": exchanges.moment().isoformat(), **{k: v for k, v in values.items() if v}},
                 ("starts", "ends"), schedule, problems=problems, zone=zone)
    problems.raise_if_any()
    assert person and span
    return person, span


def read_taker(values: Values, schedule: Schedule, by: Actor, *, whole: Span, zone: str = "") -> tuple[User, Span | None]:
    """Who takes over, and which part; None for all that is left. Raises Invalid."""
    problems = Problems()
    person = _person("person", values, drafts.people_named([values.get("person")]), by=by, problems=problems)
    span = None
    if values.get("starts") or values.get("ends"):
        given = {"starts": whole[0].isoformat(), "ends": whole[1].isoformat(), **{k: v for k, v in values.items() if v}}
        span = _span(given, ("starts", "ends"), schedule, problems=problems, zone=zone)
    problems.raise_if_any()
    assert person
    return person, span


def _chosen(form: Mapping[str, str], name: str) -> tuple[str, dict[str, str]]:
    email, _, span = form.get(name, "").partition("|")
    start, _, end = span.partition("|")
    return email, {"start": form.get(f"{name}_from") or start, "end": form.get(f"{name}_to") or end}


def _person(name: str, values: Values, people: Mapping[str, User], *, by: Actor, problems: Problems) -> User | None:
    email = str(values.get(name) or "").strip().lower()
    if not email and name in ("proposer", "person") and by.user_id is not None:
        return queries.named([by.user_id])[by.user_id]
    if email not in people:
        problems.add("takes" if name == "counterpart" and not email else name,
                     f"There is no person with the address {email}" if email else "Choose a shift")
    return people.get(email)


def _span(values: Values, names: tuple[str, str], schedule: Schedule, *, problems: Problems, zone: str) -> Span | None:
    within = ZoneInfo(zone or schedule.time_zone)
    start, end = (problems.take(name, drafts.moment, values.get(name), zone=within) for name in names)
    return (start, end) if start and end else None


def _words(span: Span, zone: str) -> str:
    start, end = (rules.wall_time(at, ZoneInfo(zone)) for at in span)
    return f"{start:%a} {start.day} {start:%b}, {start:%H:%M} to {end:%a} {end.day} {end:%b}, {end:%H:%M}"
