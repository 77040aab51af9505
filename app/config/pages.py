"""What the pages of configuration as code show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any

import yaml

from app.config import errands, managed
from app.config.models import AppliedDocument, Errand
from app.core.access import Actor
from app.core.errors import Invalid
from app.identity.queries import may

LONG = 80


@dataclass(frozen=True)
class Side:
    """One field as it was and as it is; what has several lines as a difference instead: (mark, line)."""

    name: str
    was: str
    now: str
    lines: list[tuple[str, str]]


@dataclass(frozen=True)
class Differing:
    """One object that differs: its kind and key, a word for how, and field by field how it was and is."""

    noun: str
    key: str
    word: str
    fields: list[Side]
    by: str = ""


@dataclass(frozen=True)
class Fault:
    """One fault of a document: where it stands and what is wrong."""

    place: str
    path: str
    message: str


@dataclass(frozen=True)
class ConfigurationPage:
    """The document last applied, what changed since, and the form that brings another."""

    last: AppliedDocument | None
    earlier: list[AppliedDocument]
    managed: int
    drift: list[Differing]
    plans: list[Errand]
    whole: bool
    text: str = ""
    prune: bool = False
    faults: list[Fault] = field(default_factory=list)
    refused: str = ""


@dataclass(frozen=True)
class PlanPage:
    """What a document would do."""

    plan: Errand
    changes: list[Differing]
    warnings: list[str]
    large: list[str]
    prune: bool
    faults: list[Fault] = field(default_factory=list)
    refused: str = ""


def configuration_page(by: Actor, *, typed: Mapping[str, str] | None = None,
                       invalid: Invalid | None = None) -> ConfigurationPage:
    """The page; with what was brought and what is wrong with it, when it was refused."""
    count, found = managed.drift(by)
    past, typed = managed.applications(), typed or {}
    drift = [Differing(one.noun, one.key, "not there" if one.gone else "changed",
                       [_side(name, was, now) for name, (was, now) in one.fields.items()],
                       ", ".join(one.applied.files)) for one in found]
    return ConfigurationPage(
        past[0] if past else None, past[1:], count, drift, errands.recent("plan", by, 5), may(by, "admin"),
        typed.get("text", ""), bool(typed.get("prune")), faults_of(invalid), _sentence(invalid))


def plan_page(plan: Errand, *, invalid: Invalid | None = None, refused: str = "") -> PlanPage:
    """The page of one plan."""
    found = plan.found
    return PlanPage(plan, [_change(one) for one in found["changes"]], found["warnings"], found["large"],
                    bool(plan.said.get("prune")), faults_of(invalid), refused or _sentence(invalid))


def _change(one: Mapping[str, Any]) -> Differing:
    names = one["fields"] or list(one["now"])
    fields = [_side(name, one["was"].get(name), one["now"].get(name)) for name in names if name != "secrets"]
    return Differing(one["kind"], one["key"], one["action"], fields, "secrets" if "secrets" in one["fields"] else "")


def _side(name: str, was: Any, now: Any) -> Side:
    before, after = shown(was), shown(now)
    long = "\n" in before + after or len(before + after) > LONG
    lines = [(line[:1], line[1:]) for line in unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
             if line[:3] not in ("---", "+++")] if long else []
    return Side(name, before, after, lines)


def faults_of(invalid: Invalid | None) -> list[Fault]:
    """Each fault with its place apart from its path."""
    parts: Sequence[tuple[str, str, str]] = [(*problem.field.partition(" ")[::2], problem.message)
                                             for problem in (invalid.problems if invalid else ())]
    return [Fault(place, path, message) for place, path, message in parts]


def _sentence(invalid: Invalid | None) -> str:
    return invalid.detail if invalid is not None and not invalid.problems else ""


def shown(value: Any) -> str:
    """A value of the document as people read it: short things as they are, others as YAML."""
    if value is None or value == []:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int, float)):
        return str(value)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=72, default_flow_style=None).strip()
