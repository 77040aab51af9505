"""What the pages of plugins show: what is installed and on, what is broken, and one plugin with its guide and settings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app, url_for
from markupsafe import Markup
from sqlalchemy import func, select

from app.core import clock, contract, plugin_switches, settings
from app.core.db import session
from app.core.errors import NotFound
from app.core.guide import guide
from app.core.plugins import Installed
from app.ingest.models import Delivery, Integration
from app.notifications.models import Message

DAY = timedelta(hours=24)
WORDS = {"integration": "Source", "channel": "Channel", "action": "Action", "calendar": "Calendar",
         "target": "Target", "importer": "Importer"}


@dataclass(frozen=True)
class PluginRow:
    """A plugin that works, what it offers, and what went wrong with it in 24 hours."""

    slug: str
    name: str
    version: str
    source: str
    enabled: bool
    icon: str
    kinds: list[str]
    failures: int


@dataclass(frozen=True)
class PluginsPage:
    """All plugins, those that could not be used apart."""

    plugins: list[PluginRow]
    broken: list[Any]


@dataclass(frozen=True)
class SettingRow:
    """A setting of a plugin: what it is now (secrets only whether they are set), and where that is written."""

    name: str
    help: str
    value: str
    origin: str


@dataclass(frozen=True)
class PluginPage:
    """One plugin: its guide, its settings, what it breaks of the contract, and who uses it."""

    row: PluginRow
    guide: Markup
    settings: list[SettingRow]
    faults: list[str]
    used: list[Integration]
    held: int


def plugins_page() -> PluginsPage:
    """What is installed."""
    registry = current_app.extensions["plugins"]
    failed, off = failures(), plugin_switches.off()
    return PluginsPage([_row(one, failed, off) for one in registry.installed], list(registry.broken))


def _row(one: Installed, failed: Counter[str], off: frozenset[str]) -> PluginRow:
    registry = current_app.extensions["plugins"]
    return PluginRow(one.slug, one.name, one.version, one.source,
                     one.slug not in registry.given_off | off,
                     url_for("ingest.icon", slug=one.slug) if registry.icon(one.slug) else "",
                     sorted(WORDS.get(kind, kind.replace("_", " ").capitalize()) for kind in registry.kinds(one.slug)),
                     failed[one.slug])


def failures() -> Counter[str]:
    """By plugin: deliveries that could not be read and messages that could not be sent, in 24 hours."""
    registry, since = current_app.extensions["plugins"], clock.now() - DAY
    found: Counter[str] = Counter()
    before = session.scalar(select(func.max(Delivery.id)).where(Delivery.received_at < since)) or 0
    for name, number in session.execute(
            select(Integration.plugin, func.count()).join(Delivery, Delivery.integration_id == Integration.id)
            .where(Delivery.id > before, Delivery.state.in_(("rejected", "failed"))).group_by(Integration.plugin)):
        found[registry.owners.get(("integration", name), name)] += number
    for name, number in session.execute(select(Message.channel, func.count()).where(
            Message.state == "failed", Message.queued_at >= since).group_by(Message.channel)):
        found[registry.owners.get(("channel", name), name)] += number
    return found


def plugin_page(slug: str) -> PluginPage:
    """The page of one plugin that works. Raises NotFound."""
    registry = current_app.extensions["plugins"]
    one = next((found for found in registry.installed if found.slug == slug), None)
    if one is None:
        raise NotFound(f"There is no plugin {slug}")
    served = [name for (kind, name), owner in registry.owners.items() if (kind, owner) == ("integration", slug)]
    used = session.scalars(select(Integration).where(
        Integration.plugin.in_(served), Integration.removed_at.is_(None)).order_by(Integration.name)).all()
    held = session.scalar(select(func.count()).select_from(Delivery).where(
        Delivery.state == "held", Delivery.integration_id.in_([found.id for found in used]))) or 0
    return PluginPage(_row(one, failures(), plugin_switches.off()), guide(registry.readme(slug), "{url}"),
                      _settings(slug), contract.faults(registry, slug), list(used), held)


def _settings(slug: str) -> list[SettingRow]:
    """Those it declares and those its parts say they read, each once."""
    registry, config = current_app.extensions["plugins"], current_app.config
    declared = {name: one for name, one in registry.settings}
    prefix = slug.upper().replace("-", "_") + "_"
    offers = [offer for offers in registry.providers.values() for plugin, offer in offers.items() if plugin == slug]
    read = [name for offer in offers for name in offer.settings]
    general = {one.name: one for one in settings.SETTINGS}
    known = dict.fromkeys([*(name for name in declared if name.startswith(prefix)), *read])
    return [_setting(name, declared.get(name) or general.get(name), str(config.get(name, ""))) for name in known]


def _setting(name: str, one: Any, value: str) -> SettingRow:
    secret = one is None or one.secret or "://" in value and "@" in value
    shown = ("set" if value else "not set") if secret else value or "not set"
    return SettingRow(name, one.help if one else "", shown, settings.origin(name) if value else "")
