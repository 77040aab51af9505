"""The pages of the system: how it is, how it is set, what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app

from app.core import health, hold, retention
from app.core.failed import Waiting
from app.core.hold import Held
from app.core.life import Sign
from app.core.panels import Line
from app.core.plugins import Broken
from app.core.retention import Standing
from app.core.settings import Setting
from app.system import outgoing, parts, queries
from app.system.queries import FailedJob, Key, Refusals, Tick


@dataclass(frozen=True)
class SystemPage:
    """How every part is. `keys` counts when it is called: that looks at every stored secret."""

    problems: list[str]
    figures: Mapping[str, Any]
    facts: list[Line]
    processes: list[Sign] | None
    queues: list[Waiting] | None
    failed: list[FailedJob]
    refusals: list[Refusals]
    broken: list[Broken]
    parts: dict[str, list[Line]]
    ticks: list[Tick]
    held: str
    outgoing: dict[str, tuple[int, list[Held]]]
    keys: Callable[[], list[Key]] = queries.keys

    @property
    def uneasy(self) -> int:
        """How many parts want to be looked at although nothing stands still."""
        lines = [one for told in self.parts.values() for one in told]
        return (len(self.failed) + len(self.broken) + sum(one.state in ("warn", "bad") for one in lines)
                + sum(one.state in ("failed", "late") for one in self.ticks)
                + sum(not one.lives for one in self.processes or ()))


def system_page() -> SystemPage:
    """As it is now."""
    found = health.examine()
    answers = found.figures.get("queue") is not None  # a Redis that hangs costs one wait, not one for each question
    return SystemPage(
        problems=found.problems, figures=found.figures, facts=queries.facts(found.figures),
        processes=queries.processes() if answers else None,
        queues=queries.queues() if answers else None, failed=queries.failed_jobs() if answers else [],
        refusals=queries.refusals(),
        broken=current_app.extensions["plugins"].broken, parts=parts.parts(), ticks=queries.ticks(),
        held=hold.held(), outgoing=outgoing.outgoing())


@dataclass(frozen=True)
class Set:
    """One setting as it is in effect: `shown` is its value, or that it is set; `origin` environment, file or default."""

    name: str
    shown: str
    origin: str
    default: str
    help: str
    group: str


@dataclass(frozen=True)
class SettingsPage:
    """The settings that were asked for, by group; how many there are, and how many are not as they come."""

    groups: list[tuple[str, list[Set]]]
    q: str
    only: str
    number: int
    changed: int


def settings_page(args: Mapping[str, str]) -> SettingsPage:
    """All of them, or those that hold every word of `q`, or (`only=set`) those that somebody set."""
    every, words = all_settings(), args.get("q", "").lower().split()
    texts = {one.name: f"{one.name} {one.help} {one.group} {one.origin}".lower() for one in every}
    found = [one for one in every if all(word in texts[one.name] for word in words)]
    if args.get("only") == "set":
        found = [one for one in found if one.origin != "default"]
    groups: dict[str, list[Set]] = {}
    for one in found:
        groups.setdefault(one.group, []).append(one)
    return SettingsPage(list(groups.items()), args.get("q", "").strip(), args.get("only", ""), len(every),
                        sum(one.origin != "default" for one in every))


def all_settings() -> list[Set]:
    """Every setting, the platform's own first, then those of each plugin."""
    registry = current_app.extensions["plugins"]
    own = {name for name, _ in registry.settings}
    names = {one.slug: one.name for one in registry.installed}
    return [_set(one, origin, _group(one.name, names) if one.name in own else "OnCall")
            for one, origin in current_app.extensions["settings"].items()]


def _group(name: str, names: Mapping[str, str]) -> str:
    slug = max((one for one in names if name.startswith(f"{one.upper()}_")), key=len, default="")
    return names.get(slug, "Plugins")


def _set(setting: Setting, origin: str, group: str) -> Set:
    value = str(current_app.config[setting.name])
    shown = health.masked(value) if setting.name == "DATABASE_URL" else value
    limits = f" ({setting.between[0]} to {setting.between[1]})" if setting.between else ""
    return Set(setting.name, "set, not shown" if setting.secret and value else shown, origin, setting.default,
               setting.help + limits, group)


@dataclass(frozen=True)
class RetentionPage:
    """What goes after a time, and where each time is set."""

    rows: list[tuple[Standing, str]]


def retention_page() -> RetentionPage:
    """As it stands now."""
    return RetentionPage([(retention.standing(one), origin_of(one)) for one in retention.table()])


def origin_of(kept: retention.Kept) -> str:
    """Where its days are set: a setting with its origin, or "fixed"."""
    origins = {one.name: origin for one, origin in current_app.extensions["settings"].items()}
    return "fixed" if isinstance(kept.days, int) else f"{kept.days}, {origins[kept.days]}"
