"""Where the parts of a chart stand, as SVG drawn by the server needs it; each chart has its values as a table too. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

WIDTH, HEIGHT, LEFT, TOP, FOOT = 460, 190, 34, 20, 154
TONES = {"critical": "danger", "high": "alert", "medium": "caution", "low": "info", "info": "quiet"}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CELL, ROW = 17.6, 21
Columns = Sequence[Sequence[date]]
Medians = Sequence[float | None]
"""The days of each column of a chart, and what it says of these in seconds."""


@dataclass(frozen=True)
class Chart:
    """A chart: rectangles (x, y, width, height, tone or class), lines (path, was), texts (x, y, anchor, text), and the
    grid's lines (y); `summary` says it in words, `head` and `rows` are its table."""

    title: str
    summary: str
    head: list[str]
    rows: list[list[str]]
    rects: list[tuple[float, float, float, float, str]] = field(default_factory=list)
    paths: list[tuple[str, bool]] = field(default_factory=list)
    texts: list[tuple[float, float, str, str]] = field(default_factory=list)
    grid: list[float] = field(default_factory=list)
    height: int = HEIGHT
    tones: list[tuple[str, str]] = field(default_factory=list)


def nice(most: float) -> int:
    """A round number not below `most`, for the top of a scale."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size >= most:
                return max(2, step * size)
        size *= 10


def buckets(days: Sequence[date]) -> list[list[date]]:
    """The days in at most 31 columns of the same length: single days, weeks or more."""
    size = 1 if len(days) <= 31 else 7 if len(days) <= 217 else 14
    return [list(days[place:place + size]) for place in range(0, len(days), size)]


def stacked(title: str, columns: Columns, sums: Sequence[Mapping[str, int]]) -> Chart:
    """Incidents by severity, a column for a day or a few."""
    totals = [sum(one.values()) for one in sums]
    top, step = nice(max(totals, default=0)), (WIDTH - LEFT) / max(1, len(columns))
    rects = []
    for place, one in enumerate(sums):
        y = float(FOOT)
        for level in reversed(TONES):
            height = (FOOT - TOP) * one[level] / top
            if height:
                y -= height
                x = _r(LEFT + place * step + step * .15)
                rects.append((x, _r(y), _r(step * .7), _r(max(.5, height - 1)), TONES[level]))
    shown = [level for level in TONES if any(one[level] for one in sums)]
    return Chart(title, _said(columns, totals), ["From", *shown, "All"],
                 [[some[0].isoformat(), *(str(one[level]) for level in shown), str(total)]
                  for some, one, total in zip(columns, sums, totals, strict=True)],
                 rects, [], _labels(columns, step, [str(top), str(top // 2), "0"] if top % 2 == 0 else [str(top), "", "0"]),
                 [TOP, (TOP + FOOT) / 2, FOOT], tones=[(level, TONES[level]) for level in shown])


def lines(title: str, columns: Columns, now: Medians, before: Medians) -> Chart:
    """Medians in minutes, a column for a day or a few, and those of the period before as a dashed line; where there is no
    case there is a hole."""
    values = [[None if one is None else one / 60 for one in some] for some in (now, before)]
    known = [value for some in values for value in some if value is not None]
    top, step = nice(max(known, default=0)), (WIDTH - LEFT) / max(1, len(columns))
    paths = [(path, was) for some, was in ((values[1], True), (values[0], False)) if (path := _path(some, step, top))]
    said = [value for value in values[0] if value is not None]
    summary = (f"Median minutes, from {said[0]:.1f} to {said[-1]:.1f}, most {max(said):.1f}" if said
               else "No case in this period")
    return Chart(title, summary, ["From", "Minutes", "Period before"],
                 [[some[0].isoformat(), *("–" if one[place] is None else f"{one[place]:.1f}" for one in values)]
                  for place, some in enumerate(columns)], [], paths,
                 _labels(columns, step, [f"{top} min", "", "0"]), [TOP, (TOP + FOOT) / 2, FOOT])


def heat(title: str, numbers: Mapping[tuple[int, int], int]) -> Chart:
    """How many by weekday and hour, darker where there are more."""
    most = max(numbers.values(), default=0)
    rects = [(_r(36 + hour * CELL), float(day * ROW), CELL - 2, float(ROW - 2), _shade(numbers.get((day, hour), 0), most))
             for day in range(7) for hour in range(24)]
    texts = [(0.0, day * ROW + 14.0, "", name) for day, name in enumerate(DAYS)]
    texts += [(_r(36 + hour * CELL), 7 * ROW + 14.0, "", f"{hour:02}") for hour in range(0, 24, 6)]
    worst = max(numbers, key=lambda one: numbers[one], default=None)
    summary = f"Most on {DAYS[worst[0]]} at {worst[1]:02}:00, {most}" if worst and most else "Nothing in this period"
    rows = [[name, *(str(numbers.get((day, hour), 0)) for hour in range(24))] for day, name in enumerate(DAYS)]
    return Chart(title, summary, ["Day", *(f"{hour:02}" for hour in range(24))], rows, rects, [], texts, height=172)


def _shade(number: int, most: int) -> str:
    return "f0" if not number else f"h{min(3, 1 + 3 * number // (most + 1))}"


def _path(values: Sequence[float | None], step: float, top: float) -> str:
    """Points joined where neighbours have a value; a lone one is a short line."""
    parts, joined = [], False
    for place, value in enumerate(values):
        if value is None:
            joined = False
            continue
        x, y = _r(LEFT + (place + .5) * step), _r(FOOT - (FOOT - TOP) * value / top)
        parts.append(f"{'L' if joined else 'M'}{x} {y}" + ("" if joined else f"h.1M{x} {y}"))
        joined = True
    return "".join(parts)


def _labels(columns: Columns, step: float, scale: Sequence[str]) -> list[tuple[float, float, str, str]]:
    every = max(1, -(-len(columns) // 6))
    texts = [(_r(LEFT + (place + .5) * step), 176.0, "mid", f"{some[0]:%-d %b}")
             for place, some in enumerate(columns) if place % every == 0]
    return texts + [(LEFT - 6.0, y + 4, "end", word) for y, word in zip((TOP, (TOP + FOOT) / 2, FOOT), scale, strict=True)]


def _said(columns: Columns, totals: Sequence[int]) -> str:
    if not any(totals):
        return "No incident in this period"
    worst = max(range(len(totals)), key=lambda place: totals[place])
    unit = "day" if len(columns[0]) == 1 else f"{len(columns[0])} days"
    return f"{sum(totals)} in all, most {totals[worst]} from {columns[worst][0]:%-d %B}, counted by {unit}"


def _r(value: float) -> float:
    return round(value, 1)
