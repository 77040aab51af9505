"""What the pages of moving in show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from app.config import errands, imports
from app.config.models import Errand
from app.core import clock
from app.core.access import Actor
from app.core.errors import Invalid

VERDICTS = ("carried", "changed", "skipped", "conflict")
Choices = list[tuple[str, str]]


@dataclass(frozen=True)
class ImportsPage:
    """Where to import from, and what was imported lately."""

    sources: Choices
    recent: list[Errand]
    typed: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class Sum:
    """How many objects of a kind got which verdict."""

    kind: str
    said: str
    url: str
    current: bool


@dataclass(frozen=True)
class Shift:
    """A span of a schedule: who is on duty there, and who here."""

    start: datetime
    end: datetime
    there: str
    here: str


@dataclass(frozen=True)
class ImportPage:
    """One import: how far it is, or what it came to."""

    errand: Errand
    source: str
    base: str
    sums: list[Sum]
    totals: list[tuple[str, int, str, bool]]
    lines: list[Mapping[str, str]]
    duty: list[tuple[str, list[Shift], int]]
    refused: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> list[tuple[str, str, str, str]]:
        """The fields of the mapping: name, their word, a label, what was said."""
        found, said = self.errand.found, self.errand.found.get("names", {})
        return [(f"{part}.{theirs}", theirs, label, said.get(part, {}).get(theirs, ""))
                for part, label in (("people", "Person"), ("teams", "Team"))
                for theirs in dict.fromkeys([*said.get(part, {}), *found.get(part, [])])]


def imports_page(by: Actor, *, typed: Mapping[str, str] | None = None, refused: str = "") -> ImportsPage:
    """The form, with what was typed when it was refused."""
    sources = sorted((one.slug, one.name) for one in imports.importers().values())
    return ImportsPage(sources, errands.recent("import", by), typed or {}, refused)


def import_page(errand: Errand, query: Mapping[str, str], *, invalid: Invalid | None = None) -> ImportPage:
    """One import; its lines filtered by verdict and kind."""
    importer, found = imports.importers().get(errand.said["source"]), errand.found
    verdict, kind = query.get("verdict", ""), query.get("kind", "")
    every: list[dict[str, str]] = found.get("lines", [])
    counted = Counter((one["kind"], one["verdict"]) for one in every)
    base = f"/configuration/import/{errand.key}"
    sums = [Sum(name, ", ".join(f"{counted[name, one]} {one}" for one in VERDICTS if counted[name, one]),
                _address(base, verdict=verdict, kind="" if kind == name else name), kind == name)
            for name in dict.fromkeys(one["kind"] for one in every)]
    totals = [(one, sum(count for (_, said), count in counted.items() if said == one),
               _address(base, verdict="" if verdict == one else one, kind=kind), verdict == one) for one in VERDICTS]
    lines = [one for one in every if verdict in ("", one["verdict"]) and kind in ("", one["kind"])]
    errors = {problem.field: problem.message for problem in (invalid.problems if invalid else ())}
    return ImportPage(errand, importer.name if importer else errand.said["source"], base, sums, totals, lines,
                      [_duty(key, spans) for key, spans in found.get("duty", {}).items()],
                      invalid.detail if invalid and not invalid.problems else "", errors)


def _duty(key: str, spans: list[list[Any]]) -> tuple[str, list[Shift], int]:
    shifts = [Shift(clock.parse_instant(start), clock.parse_instant(end), ", ".join(there) or "nobody",
                    ", ".join(here) or "nobody") for start, end, there, here in spans]
    return key.replace("+", ", "), shifts, sum(one.there != one.here for one in shifts)


def _address(base: str, **query: str) -> str:
    said = urlencode({name: value for name, value in query.items() if value})
    return f"{base}?{said}" if said else base
