"""What cells amount to: how incidents were answered, all of them, and those of each team, service and severity. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.insights.cells import Cell, Cells, Key
from app.insights.rules import SEVERITIES, Stats, of_runs, span_words

DIMENSIONS: dict[str, Callable[[Key], Any]] = {
    "team": lambda key: key[0], "service": lambda key: key[1], "severity": lambda key: SEVERITIES[key[2] >> 1]}


@dataclass(frozen=True)
class Response:
    """How incidents were answered."""

    incidents: int
    acknowledge: Stats
    resolve: Stats
    never: int
    automatic: int
    answered: int
    level_1: int
    escalated: int


def response(found: Cells) -> Response:
    """How all of them were answered."""
    number, never, automatic, level_1, escalated, *_ = Cell(sum(one.sum for one in found.values())).lanes()
    answers, ends = stats(list(found.values()))
    return Response(number, answers, ends, never, automatic, answers.count, level_1, escalated)


def sentences(now: Response, before: Response) -> list[str]:
    """At most three plain sentences on what changed most."""
    found = []
    if now.incidents != before.incidents:
        more = now.incidents > before.incidents
        number = abs(now.incidents - before.incidents)
        found.append(f"{number} {'more' if more else 'fewer'} incidents than in the period before.")
    for word, one, other in (("acknowledged", now.acknowledge, before.acknowledge),
                             ("resolved", now.resolve, before.resolve)):
        if one.median is not None and other.median is not None and one.median != other.median:
            by = span_words(abs(one.median - other.median))
            found.append(f"The median incident was {word} {by} {'later' if one.median > other.median else 'sooner'}.")
    if now.never:
        found.append(f"{now.never} were resolved before anybody acknowledged them.")
    return found[:3]


def groups(found: Cells, dimension: str) -> dict[Any, list[Cell]]:
    """The cells of each team, service or severity."""
    some: dict[Any, list[Cell]] = {}
    value = DIMENSIONS[dimension]
    for key, cell in found.items():
        some.setdefault(value(key), []).append(cell)
    return some


def number(cells: Iterable[Cell]) -> int:
    """How many incidents there were."""
    return sum(one.lanes()[0] for one in cells)


def stats(cells: Sequence[Cell], *, brief: bool = False) -> tuple[Stats, Stats]:
    """Until they were answered, and until they ended; without the highest percentiles when `brief`."""
    *_, answered, ended = Cell(sum(one.sum for one in cells)).lanes()
    return (of_runs([run for one in cells for run in one.answers], answered, brief=brief),
            of_runs([run for one in cells for run in one.ends], ended, brief=brief))
