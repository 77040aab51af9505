"""What cells amount to: how incidents were answered, all of them, and those of each team, service and severity. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from app.insights.cells import Cell, Cells, Key
from app.insights.counting import Response
from app.insights.rules import SEVERITIES, Stats, of_runs

DIMENSIONS: dict[str, Callable[[Key], Any]] = {
    "team": lambda key: key[0], "service": lambda key: key[1], "severity": lambda key: SEVERITIES[key[2] >> 1]}


def response(found: Cells) -> Response:
    """How all of them were answered."""
    number, never, automatic, level_1, escalated, *_ = Cell(sum(one.sum for one in found.values())).lanes()
    answers, ends = stats(list(found.values()))
    return Response(number, answers, ends, never, automatic, answers.count, level_1, escalated)


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
