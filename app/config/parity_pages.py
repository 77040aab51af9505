"""What the pages of parity show, and the same as a table for spreadsheets."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from app.config import errands, imports
from app.config.models import Errand
from app.core import clock
from app.core.access import Actor
from app.core.sheets import inert

COLUMNS = ("where", "title", "there", "here", "at", "first_there", "first_here", "apart", "same_people", "people_there",
           "people_here", "cause", "answered_there", "later")
WORDS = (("agree", "Agree"), ("differ", "In both, but different"), ("there", "Only there"), ("here", "Only here"))


@dataclass(frozen=True)
class ParitiesPage:
    """What to compare with, and what was compared lately."""

    sources: list[tuple[str, str]]
    recent: list[Errand]
    since: str
    until: str
    typed: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class Row:
    """One problem as it fared on both sides."""

    title: str
    where: str
    there: str
    here: str
    first_there: datetime | None
    first_here: datetime | None
    apart: int | None
    people_there: str
    people_here: str
    cause: str
    answered: datetime | None
    later: int


@dataclass(frozen=True)
class Duty:
    """One schedule beside the source's: the share of time that agrees, and where it does not."""

    key: str
    missing: bool
    share: str
    spans: list[tuple[datetime, datetime, str, str]]


@dataclass(frozen=True)
class ParityPage:
    """One report."""

    errand: Errand
    since: datetime
    until: datetime
    percentage: float
    counts: list[tuple[str, str, int, str, bool]]
    rows: list[Row]
    duty: list[Duty]


def parities_page(by: Actor, *, typed: Mapping[str, str] | None = None, refused: str = "") -> ParitiesPage:
    """The form: the last seven days unless something else was typed."""
    now, said = clock.now(), typed or {}
    sources = sorted((one.slug, one.name) for one in imports.importers().values())
    week_ago = f"{now - timedelta(days=7):%Y-%m-%dT%H:%M}"
    return ParitiesPage(sources, errands.recent("parity", by), said.get("since") or week_ago,
                        said.get("until") or f"{now:%Y-%m-%dT%H:%M}", said, refused)


def parity_page(errand: Errand, query: Mapping[str, str]) -> ParityPage:
    """One report; its problems filtered by how they fared."""
    pairs: list[dict[str, Any]] = errand.found["pairs"]
    counted = Counter(_word(one) for one in pairs)
    only, base = query.get("only", ""), f"/configuration/parity/{errand.key}"
    counts = [(word, label, counted[word], base if only == word else f"{base}?only={word}", only == word)
              for word, label in WORDS]
    return ParityPage(errand, clock.parse_instant(errand.said["since"]), clock.parse_instant(errand.said["until"]),
                      errand.found["percentage"], counts, [_row(one) for one in pairs if only in ("", _word(one))],
                      [_duty(one) for one in errand.found["duty"]])


def as_csv(errand: Errand) -> str:
    """One line for each problem."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in errand.found["pairs"]:
        writer.writerow([_cell(one.get(name)) for name in COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> Any:
    return inert(", ".join(value) if isinstance(value, list) else "" if value is None else value)


def _word(one: Mapping[str, Any]) -> str:
    return str(one["where"]) if one["where"] != "both" else "differ" if one["cause"] else "agree"


def _row(one: Mapping[str, Any]) -> Row:
    return Row(one["title"], _word(one), one["there"], one["here"], _at(one["first_there"]), _at(one["first_here"]),
               one["apart"], ", ".join(one["people_there"]) or "nobody", ", ".join(one["people_here"]) or "nobody",
               one["cause"], _at(one.get("answered_there")), one.get("later", 0))


def _at(text: str | None) -> datetime | None:
    return clock.parse_instant(text) if text else None


def _duty(one: Mapping[str, Any]) -> Duty:
    agreeing = one["compared"] - one["differing"]
    share = (f"{agreeing * 1000 // one['compared'] / 10:g} % of the time the same" if one["compared"]
             else "nothing to compare")
    return Duty(one["key"].replace("+", ", "), one["missing"], share, [
        (clock.parse_instant(start), clock.parse_instant(end), ", ".join(theirs) or "nobody", ", ".join(ours) or "nobody")
        for start, end, theirs, ours in one["spans"]])
