"""What people type about a schedule and its layers, as the fields of the configuration document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Problem
from app.identity.models import User
from app.oncall import limits, pages, queries, rows
from app.oncall.edit_pages import Difference, handover_words, standing
from app.oncall.forms import read_when, shown_faults
from app.oncall.models import Schedule
from app.oncall.versions import When


@dataclass(frozen=True)
class ScheduleForm:
    """The form of a schedule with its layers, and an empty one for the next."""

    schedule: Schedule | None
    values: Mapping[str, Any]
    layers: list[Mapping[str, str]]
    teams: list[tuple[str, str]]
    members: list[User]
    seen: str = ""
    problem: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    difference: Difference | None = None
    standing: list[tuple[str, str, str]] = field(default_factory=list)


def schedule_form(schedule: Schedule | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
                  problems: Sequence[Problem] = (), problem: str = "",
                  difference: Difference | None = None) -> ScheduleForm:
    """The form of `schedule` (None: a new one) with what was typed, if that was refused (`problem`: because of what
    stands by now, which is shown beside it) or is only looked at (`difference`)."""
    document = queries.schedule_document(schedule) if schedule else {"time_zone": _own_zone(by)}
    values: Mapping[str, Any] = dict(typed) if typed is not None else document
    written = [_as_text(layer, values.get("time_zone", "")) for layer in values.get("layers", [])]
    members = sorted((one.user for one in schedule.team.memberships), key=lambda one: one.name) if schedule else []
    return ScheduleForm(schedule, values, [*written, _as_text({}, "")], pages.teams_for(by), members,
                        queries.mark_of(document) if schedule else "", problem, shown_faults(problems), difference,
                        standing(schedule) if schedule and problem else [])


def typed_schedule(form: Mapping[str, str], schedule: Schedule | None) -> dict[str, Any]:
    """The posted fields as values for `save_schedule`; layers left empty or marked for removal are left out."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in ("name", "team", "time_zone")}
    values["key"] = schedule.key if schedule else form.get("key", "").strip()
    values |= {name: form.get(name, "") for name in ("from_when", "from_date")}
    found = []
    for place in range(limits.LAYERS + 1):
        given = {name: form.get(f"layers-{place}-{name}", "").strip() for name in LAYER_FIELDS}
        given["participants"] = _stepped(given, form.get("step", ""), place)
        if given["remove"] or not (given["participants"] or given["name"]):
            continue
        found.append((_number(given["position"], place), place, _layer(given)))
    return {**values, "layers": [layer for _, _, layer in sorted(found, key=lambda one: one[:2])]}


def _stepped(given: Mapping[str, str], step: str, place: int) -> str:
    """The turns after the chosen person was added: `0-turn` as a turn of their own, `0-join` to the last one."""
    turns, person = given["participants"].strip(), given["person"]
    if not person or step not in (f"{place}-turn", f"{place}-join"):
        return turns
    joint = "\n" if step.endswith("turn") else ", "
    return f"{turns}{joint}{person}" if turns else person


def typed_when(form: Mapping[str, str], schedule: Schedule | None) -> When:
    """From when the posted edit counts; a schedule that is new counts from the starts of its layers."""
    if schedule is None:
        return None
    word = form.get("from_when", "next")
    return read_when(form.get("from_date", "") if word == "date" else "now" if word == "now" else "next", schedule)


LAYER_FIELDS = ("name", "starts", "ends", "every", "unit", "participants", "restrictions", "time_zone",
                "skip_inactive", "holidays", "position", "remove", "person")


def _layer(given: Mapping[str, str]) -> dict[str, Any]:
    lines = given["participants"].splitlines()
    turns = [[email.strip() for email in line.split(",") if email.strip()] for line in lines]
    return {"name": given["name"] or "base", "starts": given["starts"], "ends": given["ends"] or None,
            "rotation": {"every": _number(given["every"], 0), "unit": given["unit"]},
            "participants": [turn for turn in turns if turn], "time_zone": given["time_zone"] or None,
            "restrictions": [_restriction(line) for line in given["restrictions"].splitlines() if line.strip()],
            "skip_inactive": bool(given["skip_inactive"]), "holidays": given["holidays"]}


def _restriction(line: str) -> dict[str, Any]:
    """`mon, tue 09:00-17:00` or `mon-fri 09:00 to 17:00`."""
    words = re.findall(r"[a-z]+|\d\d?:\d\d|[-–]", line.lower().replace(" to ", "-"))
    days: list[str] = []
    for place, word in enumerate(words):
        day = word[:3]
        if day in rows.DAYS and place > 1 and words[place - 1] in "-–" and days and words[place - 2][:3] == days[-1]:
            first, last = rows.DAYS.index(days[-1]), rows.DAYS.index(day)
            days += [rows.DAYS[one % 7] for one in range(first + 1, last + 1 + (7 if last < first else 0))]
        elif word not in "-–" and ":" not in word:
            days.append(day)
    clocks = [word.zfill(5) for word in words if ":" in word] + ["", ""]
    return {"days": days, "from": clocks[0], "to": clocks[1]}


def _as_text(layer: Mapping[str, Any], zone: str) -> dict[str, str]:
    rotation = layer.get("rotation", {})
    return {"words": handover_words(rotation, layer.get("starts", ""), layer.get("time_zone") or zone),
            "name": layer.get("name", ""), "starts": layer.get("starts", ""), "ends": layer.get("ends") or "",
            "every": str(rotation.get("every", 1)), "unit": rotation.get("unit", "week"),
            "participants": "\n".join(", ".join(turn) for turn in layer.get("participants", [])),
            "restrictions": "\n".join(f"{', '.join(one['days'])} {one['from']}-{one['to']}"
                                      for one in layer.get("restrictions", [])),
            "holidays": layer.get("holidays") or "",
            "time_zone": layer.get("time_zone") or "", "skip_inactive": "1" if layer.get("skip_inactive") else ""}


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else default


def _own_zone(by: Actor) -> str:
    user = session.get(User, by.user_id) if by.user_id is not None else None
    return user.time_zone if user else "UTC"
