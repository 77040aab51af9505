"""A policy as its form holds it while it is edited: levels and targets come, go and move by one press each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.core.forms import number_of
from app.escalation import rules

Form = Mapping[str, Sequence[str]]
KINDS = ("schedule", "user", "team", "users", "turn-schedule", "turn-team", "next-schedule", "room", "webhook")
MORE: dict[str, dict[str, Any]] = {"turn": {"pick": "round_robin"}, "next": {"next": True}}


@dataclass(frozen=True)
class LevelDraft:
    """A level as typed; targets are `user:bob@example.com`, `schedule:primary`, `team:payments`; one in turn of
    `users:ana@example.com,bob@example.com`, `turn-team:payments`; after the hand-off `next-schedule:primary`."""

    timeout: str = "5m"
    targets: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    urgency: str = ""
    days: tuple[str, ...] = ()
    start: str = ""
    end: str = ""
    time_zone: str = ""

    @property
    def conditional(self) -> bool:
        """Whether it counts only at times."""
        return bool(self.severity or self.urgency or self.days or self.start or self.end)

    @property
    def people(self) -> int:
        """How many people it names one by one."""
        return sum(target.startswith("user:") for target in self.targets)


@dataclass(frozen=True)
class Draft:
    """What stands in the form."""

    key: str = ""
    name: str = ""
    team: str = ""
    repeat: str = "1"
    levels: tuple[LevelDraft, ...] = (LevelDraft(),)
    repeat_from: str = "1"


def read(form: Form) -> Draft:
    """The draft of a form's fields; a target that is chosen but not added yet counts as added."""
    numbers = range(min(number_of(_one(form, "levels", "0")), 20))
    levels = tuple(LevelDraft(
        _one(form, f"timeout-{at}", "5m"), _targets(form, at), tuple(form.get(f"severity-{at}", ())),
        _one(form, f"urgency-{at}"), tuple(form.get(f"days-{at}", ())), _one(form, f"from-{at}"), _one(form, f"to-{at}"),
        _one(form, f"zone-{at}")) for at in numbers)
    return Draft(_one(form, "key"), _one(form, "name"), _one(form, "team"), _one(form, "repeat"), levels,
                 _one(form, "repeat-from", "1"))


def _one(form: Form, name: str, default: str = "") -> str:
    return form[name][0].strip() if form.get(name) else default


def _targets(form: Form, at: int) -> tuple[str, ...]:
    chosen = [*form.get(f"target-{at}", ()), *form.get(f"add-{at}", ())]
    return tuple(dict.fromkeys(target for target in chosen if target.partition(":")[0] in KINDS))


def moved(draft: Draft, action: str) -> Draft:
    """The draft after a press: `add-level`, `remove-level:1`, `up:1`, `down:0`, `remove-target:1:0`, `take-turns:0`;
    others change nothing."""
    verb, _, place = action.partition(":")
    places = [int(part) for part in place.split(":") if part.isdecimal() and len(part) < 4]
    levels = list(draft.levels)
    if verb == "add-level" and len(levels) < rules.LEVELS:
        levels.append(LevelDraft())
    elif places and places[0] < len(levels):
        _change(levels, verb, places)
    return replace(draft, levels=tuple(levels))


def _change(levels: list[LevelDraft], verb: str, places: list[int]) -> None:
    at, other = places[0], places[0] + {"up": -1, "down": 1}.get(verb, 0)
    if verb == "remove-level":
        del levels[at]
    elif verb in ("up", "down") and 0 <= other < len(levels):
        levels[at], levels[other] = levels[other], levels[at]
    elif verb == "remove-target" and len(places) == 2:
        kept = tuple(target for number, target in enumerate(levels[at].targets) if number != places[1])
        levels[at] = replace(levels[at], targets=kept)
    elif verb == "take-turns" and levels[at].people > 1:
        people = [target[5:] for target in levels[at].targets if target.startswith("user:")]
        others = tuple(target for target in levels[at].targets if not target.startswith("user:"))
        levels[at] = replace(levels[at], targets=(*others, f"users:{','.join(people)}"))


def values(draft: Draft) -> dict[str, Any]:
    """The fields of the configuration document."""
    levels = [{"timeout": level.timeout, "targets": [_pair(target) for target in level.targets], "when": _when(level)}
              for level in draft.levels]
    return {"key": draft.key, "name": draft.name, "team": draft.team or None, "repeat": _number(draft.repeat),
            "repeat_from": _number(draft.repeat_from), "levels": levels}


def _number(text: str) -> str | int:
    return int(text[:9]) if text.isdecimal() else text


def _when(level: LevelDraft) -> dict[str, Any]:
    said = {"severity": list(level.severity), "urgency": level.urgency, "days": list(level.days), "from": level.start,
            "to": level.end}
    hours = level.days or level.start or level.end
    return {name: value for name, value in (said | {"time_zone": level.time_zone if hours else ""}).items() if value}


def _pair(target: str) -> dict[str, Any]:
    kind, _, key = target.partition(":")
    if kind == "users":
        return {"users": key.split(","), **MORE["turn"]}
    how, _, plain = kind.rpartition("-")
    return {plain: key, **MORE.get(how, {})}


def _code(target: Mapping[str, Any]) -> str:
    """The target as the form writes it; nothing when it is gone."""
    kind = rules.kind_of(target)
    key = ",".join(target[kind]) if kind == "users" else target[kind]
    how = "next-" if target.get("next") else "turn-" if target.get("pick") and kind != "users" else ""
    return f"{how}{kind}:{key}" if key else ""


def _level_of(level: Mapping[str, Any]) -> LevelDraft:
    when = level.get("when") or {}
    return LevelDraft(
        level["timeout"], tuple(code for target in level["targets"] if (code := _code(target))),
        tuple(when.get("severity") or ()), when.get("urgency", ""), tuple(when.get("days") or ()), when.get("from", ""),
        when.get("to", ""), when.get("time_zone", ""))


def of_document(document: Mapping[str, Any]) -> Draft:
    """The draft of a saved policy; targets that are gone are left out."""
    levels = tuple(_level_of(level) for level in document["levels"])
    return Draft(document["key"], document["name"], document["team"] or "", str(document["repeat"]), levels,
                 str(document["repeat_from"]))
