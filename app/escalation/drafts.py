"""A policy as its form holds it while it is edited: levels and targets come, go and move by one press each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.escalation import rules

Form = Mapping[str, Sequence[str]]
KINDS = ("schedule", "user", "team")


@dataclass(frozen=True)
class LevelDraft:
    """A level as typed; targets are `user:bob@example.com`, `schedule:primary`, `team:payments`."""

    timeout: str = "5m"
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """What stands in the form."""

    key: str = ""
    name: str = ""
    team: str = ""
    repeat: str = "1"
    levels: tuple[LevelDraft, ...] = (LevelDraft(),)


def read(form: Form) -> Draft:
    """The draft of a form's fields; a target that is chosen but not added yet counts as added."""
    numbers = range(min(int(_one(form, "levels", "0") or 0) if _one(form, "levels", "0").isdecimal() else 0, 20))
    levels = tuple(LevelDraft(_one(form, f"timeout-{at}", "5m"), _targets(form, at)) for at in numbers)
    return Draft(_one(form, "key"), _one(form, "name"), _one(form, "team"), _one(form, "repeat"), levels)


def _one(form: Form, name: str, default: str = "") -> str:
    return form[name][0].strip() if form.get(name) else default


def _targets(form: Form, at: int) -> tuple[str, ...]:
    chosen = [*form.get(f"target-{at}", ()), *form.get(f"add-{at}", ())]
    return tuple(dict.fromkeys(target for target in chosen if target.partition(":")[0] in KINDS))


def moved(draft: Draft, action: str) -> Draft:
    """The draft after a press: `add-level`, `remove-level:1`, `up:1`, `down:0`, `remove-target:1:0`; others change
    nothing."""
    verb, _, place = action.partition(":")
    places = [int(part) for part in place.split(":") if part.isdecimal()]
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


def values(draft: Draft) -> dict[str, Any]:
    """The fields of the configuration document."""
    levels = [{"timeout": level.timeout, "targets": [_pair(target) for target in level.targets]}
              for level in draft.levels]
    repeat = draft.repeat if not draft.repeat.isdecimal() else int(draft.repeat[:9])
    return {"key": draft.key, "name": draft.name, "team": draft.team or None, "repeat": repeat, "levels": levels}


def _pair(target: str) -> dict[str, str]:
    kind, _, key = target.partition(":")
    return {kind: key}


def of_document(document: Mapping[str, Any]) -> Draft:
    """The draft of a saved policy; targets that are gone are left out."""
    levels = tuple(LevelDraft(level["timeout"], tuple(
        f"{kind}:{key}" for target in level["targets"] for kind, key in target.items() if key))
        for level in document["levels"])
    return Draft(document["key"], document["name"], document["team"] or "", str(document["repeat"]), levels)
