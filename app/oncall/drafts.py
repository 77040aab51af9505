"""Layers and overrides as people write them, read into rows that are not stored yet, with every fault named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.core.forms import Problems, check_boolean, check_list, check_text, one_of, time_zone
from app.identity.models import User
from app.oncall import limits, rules
from app.oncall.models import Layer, Override
from app.oncall.rows import DAYS, layer_of, override_of

REASON = 200
MOST_OVERRIDES = 1000
DOCUMENT = "document"
"""Who made an override that a configuration document names; such overrides go when the document drops them."""

People = Mapping[str, User]
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(:00)?")
_MINUTE = timedelta(minutes=1)


def people_named(values: object) -> dict[str, User]:
    """Everybody whose e-mail address stands anywhere within `values`, by that address in lower case; one query."""
    emails = {text.strip().lower() for text in _texts(values) if "@" in text}
    return {user.email: user for user in session.scalars(select(User).where(User.email.in_(emails)))}


def _texts(values: object) -> Iterable[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping | list | tuple):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from _texts(value)


def layers(given: object, zone: str, people: People, problems: Problems) -> list[Layer]:
    """The layers of a document, lowest precedence first; faults stand below `layers[0]`."""
    found = []
    for place, value in enumerate(problems.take("layers", check_list, given, most=limits.LAYERS, label="Layers") or []):
        row = _layer(_mapping(value), zone, people, problems.at(f"layers[{place}]"))
        if row is not None:
            row.position = place
            found.append(row)
    return found


def _layer(value: Mapping[str, Any], zone: str, people: People, here: Problems) -> Layer | None:
    before = len(here.found)
    rotation = _mapping(value.get("rotation", {}))
    columns: dict[str, Any] = {
        "name": here.take("name", check_text, value.get("name"), least=1, most=limits.NAME, label="The name"),
        "time_zone": here.take("time_zone", time_zone, value["time_zone"]) if value.get("time_zone") else None,
        "starts": here.take("starts", wall, value.get("starts")),
        "ends": here.take("ends", wall, value["ends"]) if value.get("ends") else None,
        "every": here.take("rotation.every", _whole, rotation.get("every", 1)),
        "unit": here.take("rotation.unit", one_of, rotation.get("unit"), choices=limits.UNITS),
        "turns": _turns(value.get("participants"), people, here),
        "restrictions": _restrictions(value.get("restrictions"), here),
        "skip_inactive": here.take("skip_inactive", check_boolean, value.get("skip_inactive") or False),
        "holidays": (here.take("holidays", one_of, value["holidays"], choices=limits.HOLIDAYS)
                     if value.get("holidays") else ""),
    }
    if len(here.found) > before:
        return None
    columns["first_turn"] = _first_turn(value.get("first_turn"), columns["turns"])
    columns |= {name: columns[name].isoformat() for name in ("starts", "ends") if columns[name]}
    row = Layer(**columns)
    for fault in limits.check_layer(layer_of(row, zone)):
        here.add(fault.field, fault.message)
    row.starts, row.ends = row.starts[:16], row.ends[:16] if row.ends else None
    return row


def _first_turn(given: object, turns: list[list[int]]) -> int:
    return given % len(turns) if isinstance(given, int) and turns else 0


def _turns(given: object, people: People, here: Problems) -> list[list[int]]:
    turns = []
    for place, turn in enumerate(here.take("participants", check_list, given, most=limits.TURNS, label="Turns") or []):
        turns.append(_people(turn, people, here, f"participants[{place}]"))
    return turns


def _people(given: object, people: People, here: Problems, field: str) -> list[int]:
    found: list[int] = []
    for place, email in enumerate(here.take(field, check_list, given, most=limits.PEOPLE, label="People") or []):
        user = people.get(str(email).strip().lower())
        if user is None:
            here.add(f"{field}[{place}]", f"There is no person with the address {email}")
        elif user.id not in found:
            found.append(user.id)
    return found


def _restrictions(given: object, here: Problems) -> list[dict[str, Any]]:
    found = []
    entries = here.take("restrictions", check_list, given, most=limits.RESTRICTIONS, label="Restrictions") or []
    for place, value in enumerate(entries):
        at, entry = here.at(f"restrictions[{place}]"), _mapping(value)
        found.append({"days": at.take("days", _days, entry.get("days")) or [],
                      "from": at.take("from", clock_time, entry.get("from")) or "",
                      "to": at.take("to", clock_time, entry.get("to"), ends=True) or ""})
    return found


def overrides(given: object, zone: ZoneInfo, people: People, problems: Problems, *,
              now: datetime) -> list[Override]:
    """The overrides of a document; faults stand below `overrides[0]`. Past ones are fine."""
    found: list[Override] = []
    taken: list[rules.Override] = []
    entries = problems.take("overrides", check_list, given, most=MOST_OVERRIDES, label="Overrides") or []
    for place, value in enumerate(entries):
        here = problems.at(f"overrides[{place}]")
        row = override(_mapping(value), zone, people, here)
        if row is None:
            continue
        check_override(row, now, here)
        asked = override_of(row)
        if any(rules.conflicts(one, asked) for one in taken):
            here.add("starts", "This overlaps another override of the list, for the same person or for everybody")
        taken.append(asked)
        found.append(row)
    return found


def override(value: Mapping[str, Any], zone: ZoneInfo, people: People, here: Problems) -> Override | None:
    """One override with local times in `zone`, or with times that name their offset; None when it can't be read."""
    before = len(here.found)
    starts = here.take("starts", moment, value.get("starts"), zone=zone)
    ends = here.take("ends", moment, value.get("ends"), zone=zone)
    stand_ins = _people(value.get("people"), people, here, "people")
    replaced = people.get(str(value["replaces"]).strip().lower()) if value.get("replaces") else None
    if value.get("replaces") and replaced is None:
        here.add("replaces", f"There is no person with the address {value['replaces']}")
    reason = here.take("reason", check_text, value.get("reason") or "", most=REASON, label="The reason")
    if len(here.found) > before or starts is None or ends is None:
        return None
    return Override(starts_at=starts, ends_at=ends, people=stand_ins, replaces_id=replaced.id if replaced else None,
                    reason=reason or "", created_by=DOCUMENT)


def check_override(row: Override, now: datetime, here: Problems) -> None:
    """Add what is wrong with an override by itself. What began or was ended by a press of a button did so to the
    second; of such moments in the past only the minute is looked at."""
    asked = override_of(row)
    if asked.starts <= now:
        asked = replace(asked, starts=asked.starts.replace(second=0, microsecond=0))
    if asked.ends <= now:
        asked = replace(asked, ends=(asked.ends + _MINUTE - datetime.resolution).replace(second=0, microsecond=0))
    for fault in limits.check_override(asked):
        here.add(fault.field, fault.message)


def wall(text: object) -> datetime:
    """A local time such as 2026-01-05T09:00, without a zone."""
    at = _read(text)
    if at.tzinfo is not None:
        raise ValueError("Write a local time without an offset, like 2026-01-05T09:00")
    return at


def moment(text: object, *, zone: ZoneInfo) -> datetime:
    """The instant that a local time in `zone` means, or one that names its offset. A local time must occur once."""
    at = _read(text)
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    meant = rules.instants_of(at, zone)
    if not meant:
        before, after = rules.nearest_times(at, zone)
        raise ValueError(f"The clocks go forward then, and {at:%H:%M} does not occur; "
                         f"the nearest times are {before:%H:%M} and {after:%H:%M}")
    if len(meant) > 1:
        both = " or ".join(one.astimezone(zone).isoformat(timespec="minutes") for one in meant)
        raise ValueError(f"This time occurs twice, because the clocks go back; write {both}")
    return meant[0]


def instant(text: object) -> datetime:
    """An RFC 3339 time; without an offset it is UTC."""
    at = _read(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def clock_time(text: object, *, ends: bool = False) -> str:
    """A time of day such as 09:00; as an end, 24:00 is midnight too."""
    clean = text.strip() if isinstance(text, str) else ""
    if ends and clean == "24:00":
        return "00:00"
    if not _CLOCK.fullmatch(clean):
        raise ValueError("Write a time of day like 09:00")
    return time.fromisoformat(clean).isoformat(timespec="minutes")


def _read(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip()) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None:
        raise ValueError("Write a time like 2026-01-05T09:00")
    clock.check_year(at)
    return at


def _days(given: object) -> list[str]:
    wanted = {one_of(day, DAYS) for day in check_list(given, most=7, label="Days")}
    return [day for day in DAYS if day in wanted]


def _whole(value: object) -> int:
    whole = value if isinstance(value, int) and not isinstance(value, bool) else None
    if whole is None:
        raise ValueError("Must be a whole number")
    return whole


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
