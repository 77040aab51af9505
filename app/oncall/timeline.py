"""Where blocks stand in the lanes of a schedule's page: positions in percent, exact to the second, and their words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.oncall import quality, rules

VIEWS = {"day": "Day", "week": "Week", "2-weeks": "2 weeks", "month": "Month", "quarter": "Quarter"}
_DAYS_OF = {"day": 1, "week": 7}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = timedelta(days=1)
_WIDTH, _LETTER, _MARGIN = 520, 6.6, 16
"""The narrowest that lanes are drawn, the width of a letter and what a block's edges take, in pixels."""


@dataclass(frozen=True)
class Window:
    """What the lanes show: from `start` until just before `end`, whole local days of `zone`."""

    view: str
    first: date
    last: date
    zone: ZoneInfo
    start: datetime
    end: datetime

    def at(self, instant: datetime) -> float:
        """Where an instant stands, in percent of the width; what lies outside stands at the edge."""
        part = (instant - self.start) / (self.end - self.start)
        return round(100 * min(1.0, max(0.0, part)), 3)

    def local(self, instant: datetime) -> datetime:
        """What a clock in the zone of the lanes shows."""
        return rules.wall_time(instant, self.zone)


@dataclass(frozen=True)
class Day:
    """A day's column: `x` and `width` in percent."""

    day: date
    x: float
    width: float
    weekend: bool
    today: bool


@dataclass(frozen=True)
class Change:
    """The clocks change at `x` percent: `words` say from when to when."""

    x: float
    day: date
    words: str


@dataclass(frozen=True)
class Block:
    """One shift in a lane; without people it is a gap. `name` and `note` are what fits, `text` where they begin."""

    start: datetime
    end: datetime
    people: tuple[int, ...]
    layer: str
    x: float
    width: float
    text: float = 0.0
    name: str = ""
    note: str = ""
    words: str = ""


def window(view: str, first: date, zone: ZoneInfo) -> Window:
    """The lanes of a view: the day `first`, or what begins with its week or its month; a quarter is three months."""
    if view in ("month", "quarter"):
        first = first.replace(day=1)
        beyond = first
        for _ in range(3 if view == "quarter" else 1):
            beyond = (beyond + 31 * _DAY).replace(day=1)
    else:
        first -= first.weekday() * _DAY if view != "day" else timedelta()
        beyond = first + _DAYS_OF.get(view, 14) * _DAY
    start, end = (rules.local_instant(datetime.combine(day, time()), zone) for day in (first, beyond))
    return Window(view, first, beyond - _DAY, zone, start, end)


def days(shown: Window, now: datetime) -> list[Day]:
    """The columns; a day on which the clocks change is narrower or wider than the others."""
    found, day, today = [], shown.first, shown.local(now).date()
    while day <= shown.last:
        x, end = (shown.at(rules.local_instant(datetime.combine(one, time()), shown.zone)) for one in (day, day + _DAY))
        found.append(Day(day, x, round(end - x, 3), day.weekday() >= 5, day == today))
        day += _DAY
    return found


def hours(shown: Window) -> list[tuple[float, str]]:
    """Where every third hour of a day stands, as its clock shows it: `06:00`."""
    found = {shown.at(at): f"{shown.local(at):%H:%M}" for hour in range(0, 24, 3)
             if (at := rules.local_instant(datetime.combine(shown.first, time(hour)), shown.zone)) < shown.end}
    return sorted(found.items())


def nights(shown: Window) -> list[tuple[float, float]]:
    """Position and width of the nights, where there is room to see them."""
    if shown.view not in ("day", "week", "2-weeks"):
        return []
    places = ((shown.at(start), shown.at(end)) for start, end in quality.nights(shown.start, shown.end, shown.zone))
    return [(x, round(end - x, 3)) for x, end in places if end > x]


def changes(shown: Window) -> list[Change]:
    """The instants within the window at which the clocks change, to the minute."""
    found, probe = [], shown.start
    while probe < shown.end:
        following = min(probe + _DAY, shown.end)
        before, after = _offset(probe, shown.zone), _offset(following, shown.zone)
        if before != after:
            at = _turn(probe, following, shown.zone)
            left, right = at.replace(tzinfo=None) + before, at.replace(tzinfo=None) + after
            found.append(Change(shown.at(at), right.date(), f"{left:%H:%M} → {right:%H:%M}"))
        probe = following
    return found


def _turn(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    offset = _offset(low, zone)
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // timedelta(minutes=2) * timedelta(minutes=1)
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return high


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def blocks(shifts: Iterable[rules.Shift], names: dict[int, str], shown: Window, now: datetime) -> list[Block]:
    """The shifts as blocks. Shifts have their true start and end; blocks end at the window's edge."""
    found = []
    for shift in shifts:
        assert shift.start is not None and shift.end is not None
        if shift.end <= shown.start or shift.start >= shown.end:
            continue
        x = shown.at(shift.start)
        width = round(shown.at(shift.end) - x, 3)
        text = _after_now(x, width, shown.at(now) if shown.start < now < shown.end else -1)
        room = (width * (1 - text / 100)) * _WIDTH / 100 - _MARGIN
        who = ", ".join(names[one] for one in shift.people)
        found.append(Block(shift.start, shift.end, shift.people, shift.layer, x, width, text,
                           _name(who, room), _note(shift.start, shift.end, shown, room),
                           f"{who or 'Gap'}, {span_words(shift.start, shift.end, shown)}"))
    return found


def _after_now(x: float, width: float, now: float) -> float:
    """Words begin to the right of the line that marks the present, where it cuts the left part of a block."""
    if not x < now < x + width:
        return 0.0
    part = 100 * (now - x) / width
    return round(part, 1) if part < 70 else 0.0


def _name(who: str, room: float) -> str:
    if len(who) * _LETTER <= room:
        return who
    first = who.split(",")[0]
    return first if len(first) * _LETTER <= room else who[:1] if room >= 0 else ""


def _note(start: datetime, end: datetime, shown: Window, room: float) -> str:
    until = shown.local(end)
    long = f"to {until:%a} {until:%H:%M}, {length(start, end)}"
    for words in (long, f"to {until:%a} {until:%H:%M}", f"to {until:%a} {until.day}"):
        if len(words) * (_LETTER - 0.6) <= room:
            return words
    return ""


def stacked(items: Sequence[Block]) -> list[list[Block]]:
    """As few lanes as it takes for no block to cover another."""
    lanes: list[list[Block]] = []
    for block in sorted(items, key=lambda one: (one.start, one.end)):
        lane = next((one for one in lanes if one[-1].end <= block.start), None)
        if lane is None:
            lanes.append([block])
        else:
            lane.append(block)
    return lanes


def length(start: datetime, end: datetime) -> str:
    """`15 h`, `95 h`, `7 days`, `30 min`: how long a span really is."""
    minutes = round((end - start) / timedelta(minutes=1))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if rest == 0 and hours % 24 == 0 and hours >= 96:
        return f"{hours // 24} days"
    return f"{hours} h" + (f" {rest} min" if rest else "")


def moment_words(at: datetime, shown: Window) -> str:
    """`Wed 25 March, 18:00` in the zone of the lanes."""
    local = shown.local(at)
    return f"{local:%a} {local.day} {local:%B}, {local:%H:%M}"


def span_words(start: datetime, end: datetime, shown: Window) -> str:
    """`Fri 3 April, 18:00 to 22:00, 4 h`; the day of the end only where it is another."""
    first, last = shown.local(start), shown.local(end)
    until = f"{last:%H:%M}" if first.date() == last.date() else moment_words(end, shown)
    return f"{moment_words(start, shown)} to {until}, {length(start, end)}"


def gaps(shifts: Iterable[rules.Shift]) -> Iterator[rules.Shift]:
    """The shifts that nobody has."""
    return (shift for shift in shifts if not shift.people)


def rotation_words(layer: rules.Layer) -> str:
    """`weekly, Mon` or `every 3 days`: when a layer hands over."""
    every, unit, starts = layer.rotation.every, layer.rotation.unit, layer.starts
    often = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}[unit]
    day = DAYS[starts.weekday()]
    when = {"day": f", {starts:%H:%M}", "week": f", {day}", "month": f", {starts:%-d}."}.get(unit, "")
    days = {"skip": ", not on holidays", "only": ", on holidays only"}.get(layer.holidays, "")
    return (often + when if every == 1 else f"every {every} {unit}s") + days


def restriction_words(one: rules.Restriction) -> str:
    """`Mon–Fri 09–17`, with minutes where there are some."""
    chosen = sorted(one.days)
    run = len(chosen) > 2 and chosen == list(range(chosen[0], chosen[-1] + 1))
    which = f"{DAYS[chosen[0]]}–{DAYS[chosen[-1]]}" if run else ", ".join(DAYS[day] for day in chosen)
    exact = "%H:%M" if one.from_.minute or one.to.minute else "%H"
    return f"{which} {one.from_.strftime(exact)}–{one.to.strftime(exact)}"
