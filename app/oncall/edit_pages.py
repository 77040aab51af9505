"""What the pages about edits show: the difference an edit would make, and the versions that were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.events import Event, sentence
from app.identity.models import User
from app.identity.queries import may
from app.oncall import queries, rules, timeline
from app.oncall.editing import content, kept_layers
from app.oncall.models import Layer, Schedule, ScheduleVersion
from app.oncall.preview import Preview, Share, Span
from app.oncall.rows import layer_of

NEWS = 30
"""How many facts the history tells."""


@dataclass(frozen=True)
class Difference:
    """A preview with the words its page needs, in the schedule's zone."""

    preview: Preview
    names: Mapping[int, str]
    zone: ZoneInfo

    @property
    def shares(self) -> list[Share]:
        """The people for whom something changes, by name."""
        moved = [one for one in self.preview.shares if one.added or one.removed or one.changed]
        return sorted(moved, key=lambda one: self.names[one.person])

    def says(self, span: Span) -> str:
        """`Wed 25 Mar, 18:00 to Thu 26 Mar, 09:00`."""
        return " to ".join(self.moment(at) for at in span)

    def moment(self, at: datetime) -> str:
        """`Wed 25 Mar, 18:00`."""
        local = rules.wall_time(at, self.zone)
        return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"

    def who(self, people: Iterable[int]) -> str:
        """Their names, or `nobody`."""
        return " and ".join(self.names[one] for one in people) or "nobody"


@dataclass(frozen=True)
class Kept:
    """A version with what is different from the one before, in sentences; `newest` counts, or is to count."""

    number: int
    at: datetime
    by: str
    note: str
    newest: bool
    news: list[str]
    layers: list[tuple[str, str, str]]


@dataclass(frozen=True)
class HistoryPage:
    """The versions of a schedule, newest first, and what was done to it."""

    schedule: Schedule
    versions: list[Kept]
    facts: list[tuple[datetime, str]]
    may_edit: bool


def difference(schedule: Schedule, found: Preview) -> Difference:
    """The preview with names; times in the schedule's zone."""
    people = {one.person for one in found.shares}
    return Difference(found, _names(people), ZoneInfo(schedule.time_zone))


def history_page(key: str, by: Actor) -> HistoryPage:
    """What was changed, when and by whom. Raises NotFound."""
    schedule = queries.schedule_for(key, by)
    kept = list(schedule.versions) or [_present(schedule)]
    names = _names(person for one in kept for layer in one.content["layers"] for turn in layer["turns"]
                   for person in turn)
    shown = [_kept(one, before, names, one is kept[-1]) for before, one in zip([None, *kept], kept, strict=False)]
    return HistoryPage(schedule, shown[::-1], facts(schedule), may(by, "schedule.edit", team_id=schedule.team_id))


def facts(schedule: Schedule, most: int = NEWS) -> list[tuple[datetime, str]]:
    """What was done to the schedule, newest first, as sentences with their times."""
    found = session.scalars(select(Event).where(Event.subject == schedule.ref).order_by(Event.id.desc()).limit(most))
    return [(one.at, sentence(one)) for one in found]


def layer_words(rows: Sequence[Layer], zone: str, names: Mapping[int, str]) -> list[tuple[str, str, str]]:
    """Each layer as its name, when it hands over and is active, and its turns."""
    return [(row.name, _rotation(row, zone), _turns(row.turns, names)) for row in rows]


def standing(schedule: Schedule) -> list[tuple[str, str, str]]:
    """The layers as they are, in words."""
    rows = queries.latest(schedule)
    return layer_words(rows, schedule.time_zone, _names(one for row in rows for turn in row.turns for one in turn))


def handover_words(rotation: Mapping[str, Any], starts: str, zone: str) -> str:
    """`Hands over every Monday at 09:00, Berlin time`; nothing where the start can't be read."""
    try:
        first, every = datetime.fromisoformat(starts), int(rotation.get("every", 1))
    except ValueError:
        return ""
    unit, often = rotation.get("unit", "week"), "" if every == 1 else f"{every} "
    when = {"hour": f"every {often}hour{'s' if often else ''} from {first:%H:%M} on",
            "day": f"every {often}day{'s' if often else ''} at {first:%H:%M}",
            "week": f"every {first:%A} at {first:%H:%M}" if every == 1 else
                    f"every {often}weeks, on {first:%A} at {first:%H:%M}",
            "month": f"every {often}month{'s' if often else ''}, on day {first.day} at {first:%H:%M}"
                     + (", or on the last day" if first.day > 28 else "")}.get(unit, "")
    place = zone.rpartition("/")[2].replace("_", " ")
    return f"Hands over {when}, {place} time" if when else ""


def _present(schedule: Schedule) -> ScheduleVersion:
    return ScheduleVersion(number=1, made_at=schedule.created_at or clock.now(), made_by="", note="",
                           content=content(schedule))


def _kept(one: ScheduleVersion, before: ScheduleVersion | None, names: Mapping[int, str], newest: bool) -> Kept:
    news = _news(before.content, one.content, names) if before else []
    return Kept(one.number, one.made_at, one.made_by or "", one.note or "", newest, news,
                layer_words(kept_layers(one), one.content["time_zone"], names))


def _news(before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[int, str]) -> list[str]:
    """What is different, one sentence for each part."""
    found = [f"{word}: {before[name]} became {after[name]}" for name, word in (("name", "Name"), ("time_zone", "Zone"))
             if before[name] != after[name]]
    was, will = ({layer["name"]: layer for layer in one["layers"]} for one in (before, after))
    found += [f"Layer {name} was removed" for name in was if name not in will]
    found += [f"Layer {name} was added" for name in will if name not in was]
    if list(was) != list(will) and set(was) == set(will):
        found.append("The layers changed places")
    return found + [words for name in will if name in was for words in _layer_news(was[name], will[name], names)]


def _layer_news(was: Mapping[str, Any], will: Mapping[str, Any], names: Mapping[int, str]) -> list[str]:
    name, found = will["name"], []
    if was["turns"] != will["turns"]:
        found.append(f"{name}: {_turns(was['turns'], names)} became {_turns(will['turns'], names)}")
    for column, word in (("starts", "starts"), ("ends", "ends"), ("time_zone", "zone")):
        if was[column] != will[column]:
            found.append(f"{name}: {word} {was[column] or 'none'} became {will[column] or 'none'}")
    old, new = (_rotation(Layer(**one), "UTC") for one in (was, will))
    if old != new:
        found.append(f"{name}: {old} became {new}")
    return found


def _rotation(row: Layer, zone: str) -> str:
    layer = layer_of(row, zone)
    hours = "; ".join(timeline.restriction_words(one) for one in layer.restrictions)
    return timeline.rotation_words(layer) + (f", {hours}" if hours else "")


def _turns(turns: Iterable[Sequence[int]], names: Mapping[int, str]) -> str:
    return ", ".join(" with ".join(names[one] for one in turn) for turn in turns)


def _names(people: Iterable[int]) -> dict[int, str]:
    found: Mapping[int, User] = queries.named(people)
    return {key: user.name for key, user in found.items()}
