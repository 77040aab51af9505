"""What the hooks of one plugin return, each thing checked before anybody uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from app.plugin_api import Action, Calendar, Channel, Importer, Integration, RunbookTarget, Setting

# The kinds of things that plugins offer under a slug: the hook that returns them, and what each must be.
KINDS: dict[str, tuple[str, Any]] = {
    "integration": ("integrations", Integration), "channel": ("channels", Channel),
    "action": ("workflow_actions", Action), "calendar": ("calendars", Calendar),
    "target": ("runbook_targets", RunbookTarget), "importer": ("importers", Importer),
}


@dataclass(frozen=True)
class Offer:
    """What one plugin's hooks returned: the things of each kind, its settings and its blueprint."""

    things: Mapping[str, tuple[Any, ...]]
    settings: tuple[Setting, ...]
    blueprint: Any


def offer_of(module: ModuleType) -> Offer:
    """Ask every hook that the plugin implements. Raises TypeError naming the hook and what is missing."""
    things = {kind: _called(module, hook, shape) for kind, (hook, shape) in KINDS.items()}
    return Offer(things, _called(module, "settings", Setting),
                 module.blueprint() if implements(module, "blueprint") else None)


def implements(module: ModuleType, hook: str) -> bool:
    """Whether the plugin implements this hook."""
    return hasattr(getattr(module, hook, None), "oncall_impl")


def _called(module: ModuleType, hook: str, kind: Any) -> tuple[Any, ...]:
    """What a hook returns, each item checked. Raises TypeError naming the hook and what is missing."""
    things = tuple(getattr(module, hook)()) if implements(module, hook) else ()
    for thing in things:
        if not isinstance(thing, kind):
            wanted = getattr(kind, "__protocol_attrs__", None) or [*kind.__annotations__, *vars(kind)]
            missing = sorted(name for name in wanted if not name.startswith("_") and not hasattr(thing, name))
            raise TypeError(f"{hook}() returned {thing!r}, which lacks {', '.join(missing) or kind.__name__}")
    return things
