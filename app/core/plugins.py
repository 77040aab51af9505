"""Plugins: found at start, checked, and kept in one registry; a faulty one is listed as broken and harms no other."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import pluggy

from app import hookspecs
from app.core.metrics import FAULTS
from app.core.plugin_offers import KINDS, Offer, implements, offer_of
from app.core.plugin_sources import Found, bundled, packaged
from app.plugin_api import API_VERSION, Action, Calendar, Channel, EventView, Importer, Integration, RunbookTarget, Setting

log = logging.getLogger(__name__)


class MisspeltHook(RuntimeError):
    """A plugin implements a hook that does not exist. The start stops, since its author expects to be called."""


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be used: `reason` is the last line of the fault."""

    slug: str
    source: str
    reason: str


@dataclass(frozen=True)
class Installed:
    """A plugin that works; `source` is "bundled" or "package"."""

    slug: str
    name: str
    version: str
    source: str
    enabled: bool


@dataclass
class Registry:
    """What all plugins offer, by slug. `off` are those switched off: the given ones, and whatever `watch` says.

    `providers` are all offers of a channel by plugin, in the order in which they are tried; `channels` the first ones.
    """

    integrations: dict[str, Integration] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    targets: dict[str, RunbookTarget] = field(default_factory=dict)
    importers: dict[str, Importer] = field(default_factory=dict)
    providers: dict[str, dict[str, Channel]] = field(default_factory=dict)
    settings: list[tuple[str, Setting]] = field(default_factory=list)
    blueprints: dict[str, Any] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    given_off: frozenset[str] = frozenset()
    watch: Callable[[], frozenset[str]] = frozenset
    _found: dict[str, Found] = field(default_factory=dict, repr=False)
    listeners: dict[str, Callable[..., None]] = field(default_factory=dict, repr=False)

    @property
    def off(self) -> frozenset[str]:
        """The plugins that are switched off now."""
        return self.given_off | self.watch()

    @property
    def installed(self) -> list[Installed]:
        """The plugins that work, in the order of their slugs."""
        off = self.off
        return [Installed(slug, self.name(slug), found.version, found.source, slug not in off)
                for slug, found in sorted(self._found.items())]

    def name(self, slug: str) -> str:
        """What people call it: as what it offers under its own slug is called, else as its guide is headed."""
        offered: list[Integration | Channel | Action | Calendar | RunbookTarget] = [
            *self.integrations.values(), *self.channels.values(), *self.actions.values(), *self.calendars.values(),
            *self.targets.values()]
        named = (thing.name for thing in offered if thing.slug == slug)
        return next(named, "") or self._title(slug)

    def _title(self, slug: str) -> str:
        title = self.readme(slug).partition("\n")[0].removeprefix("# ").strip()
        return title or slug.replace("_", " ").replace("-", " ").capitalize()

    def owner(self, kind: str, slug: str) -> str:
        """The slug of the plugin that offers the thing of this kind and slug. Raises KeyError."""
        return self.owners[kind, slug]

    def kinds(self, plugin: str) -> list[str]:
        """What a plugin offers: "integration", "channel", "action"."""
        owned = {kind for (kind, _), owner in self.owners.items() if owner == plugin}
        also = {"channel"} if any(plugin in found for found in self.providers.values()) else set()
        return [kind for kind in KINDS if kind in owned - {"channel"} | also]

    def is_on(self, kind: str, slug: str) -> bool:
        """Whether the thing of this kind exists and its plugin (a channel's: one of them) is not switched off."""
        if kind == "channel":
            return bool(self.providers.get(slug, {}).keys() - self.off)
        return (kind, slug) in self.owners and self.owners[kind, slug] not in self.off

    def channels_of(self, plugin: str) -> list[str]:
        """The slugs of the channels that a plugin offers."""
        return [slug for slug, offers in self.providers.items() if plugin in offers]

    def hearing(self, plugin: str, purpose: str) -> Channel | None:
        """The channel of this plugin that takes callbacks of this purpose; None without one, or when it is off."""
        offers = [] if plugin in self.off else [found[plugin] for found in self.providers.values() if plugin in found]
        return next((offer for offer in offers if purpose in getattr(offer, "callbacks", ())), None)

    def folder(self, slug: str) -> Path:
        """Where the plugin of this slug lives. Raises KeyError."""
        return self._found[slug].folder

    def readme(self, slug: str) -> str:
        """The set-up guide of a plugin as Markdown, "" without one; `reading.addressed` fills in its addresses."""
        path = self.folder(slug) / "README.md"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def icon(self, slug: str) -> Path | None:
        """The path of a plugin's icon.svg, None without one."""
        path = self.folder(slug) / "icon.svg"
        return path if path.is_file() else None

    def template_loader(self) -> jinja2.BaseLoader:
        """Loads "<slug>/<name>" from the templates folder of each plugin."""
        return jinja2.PrefixLoader({slug: jinja2.FileSystemLoader(found.folder / "templates")
                                    for slug, found in self._found.items()})

    def tell(self, event: EventView) -> list[tuple[str, Exception]]:
        """Let every plugin that listens hear `event`; returns the ones that failed, which stops no other."""
        faults: list[tuple[str, Exception]] = []
        for slug, listener in self.listeners.items():
            if slug in self.off:
                continue
            try:
                listener(event=event)
            except Exception as fault:
                FAULTS.labels(slug).inc()
                log.exception("plugin %s failed on event %s", slug, event.id)
                faults.append((slug, fault))
        return faults


def load(root: Path, *, off: Collection[str] = ()) -> Registry:
    """Find the plugins of `root`/plugins and of installed packages. Raises MisspeltHook; other faults end as Broken."""
    manager = pluggy.PluginManager("oncall")
    manager.add_hookspecs(hookspecs)
    registry = Registry(given_off=frozenset(off))
    for found in (*bundled(root), *packaged()):
        _add(registry, manager, found)
    return registry


def _add(registry: Registry, manager: pluggy.PluginManager, found: Found) -> None:
    if found.slug in registry._found:
        return _break(registry, found, f"a plugin called {found.slug} is there already")
    try:
        module = found.load()
        _check_version(module)
        manager.register(module, name=found.slug)
        _check_hooks(manager, found.slug, module)
        offer = offer_of(module)
        _check_free(registry, offer)
    except MisspeltHook:
        raise
    except (Exception, SystemExit) as fault:
        if manager.has_plugin(found.slug):
            manager.unregister(name=found.slug)
        log.warning("plugin %s is broken", found.slug, exc_info=True)
        return _break(registry, found, traceback.format_exception_only(fault)[-1].strip())
    _enter(registry, found, module, offer)
    return None


def _break(registry: Registry, found: Found, reason: str) -> None:
    registry.broken.append(Broken(found.slug, found.source, reason))


def _check_version(module: ModuleType) -> None:
    wanted = getattr(module, "api_version", API_VERSION)
    if wanted != API_VERSION:
        raise RuntimeError(f"it is written for plugin API {wanted}, this is plugin API {API_VERSION}")


def _check_hooks(manager: pluggy.PluginManager, slug: str, module: ModuleType) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        known = [name for name, value in vars(hookspecs).items() if hasattr(value, "oncall_spec")]
        wrong = next(name for name, value in vars(module).items()
                     if hasattr(value, "oncall_impl") and name not in known)
        near = get_close_matches(wrong, known, n=1, cutoff=0)
        raise MisspeltHook(f"Plugin {slug} implements the hook {wrong!r}, which does not exist; "
                           f"did you mean {near[0]!r}?") from None


def _check_free(registry: Registry, offer: Offer) -> None:
    for kind, thing in ((kind, thing) for kind, things in offer.things.items() for thing in things):
        both = kind == "channel" and hasattr(thing, "needs") and hasattr(registry.channels.get(thing.slug), "needs")
        if (kind, thing.slug) in registry.owners and not both:
            raise RuntimeError(f"the {kind} {thing.slug} is offered by {registry.owners[kind, thing.slug]} already")


def _enter(registry: Registry, found: Found, module: ModuleType, offer: Offer) -> None:
    registry._found[found.slug] = found
    registry.integrations.update({thing.slug: thing for thing in offer.things["integration"]})
    registry.actions.update({thing.slug: thing for thing in offer.things["action"]})
    registry.calendars.update({thing.slug: thing for thing in offer.things["calendar"]})
    registry.targets.update({thing.slug: thing for thing in offer.things["target"]})
    registry.importers.update({thing.slug: thing for thing in offer.things["importer"]})
    registry.owners.update({(kind, thing.slug): found.slug for kind, things in offer.things.items()
                            if kind != "channel" for thing in things})
    for channel in offer.things["channel"]:
        offers = {**registry.providers.get(channel.slug, {}), found.slug: channel}
        ordered = sorted(offers, key=lambda plugin: (getattr(offers[plugin], "rank", 0), plugin))
        registry.providers[channel.slug] = {plugin: offers[plugin] for plugin in ordered}
        registry.channels[channel.slug] = offers[ordered[0]]
        registry.owners["channel", channel.slug] = ordered[0]
    prefix = found.slug.upper().replace("-", "_")
    registry.settings.extend((f"{prefix}_{setting.name}", setting) for setting in offer.settings)
    if offer.blueprint is not None:
        registry.blueprints[found.slug] = offer.blueprint
    if implements(module, "on_event"):
        registry.listeners[found.slug] = module.on_event
