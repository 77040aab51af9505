"""What the plugin says about a request at the door: whether it is genuine, what it teaches, and how it is named."""

from __future__ import annotations

from typing import Any

from app.core.db import locked, transaction
from app.ingest import credentials, testing
from app.ingest.models import Integration
from app.plugin_api import Inbound


def check(integration: Integration, plugin: Any, inbound: Inbound) -> dict[str, Any]:
    """The plugin's configuration, once it has taken the request. Raises Rejected or Retry.

    A vendor whose signature nobody else can make ("open" is not in `can`) gets its tests from us: our own mark stands
    for the signature. "proven" in `can`: the same, wherever its key is set.
    """
    if plugin is None:
        return {}
    config = credentials.config_of(integration, plugin)
    if ("open" not in plugin.can or "proven" in plugin.can) and testing.is_ours(inbound.headers):
        plugin.normalize(inbound, config)
        return config
    plugin.verify(inbound, config)
    lesson = plugin.learns(inbound) if hasattr(plugin, "learns") else {}
    new = {name: value for name, value in lesson.items() if value and not config.get(name)}
    return config if not new else _learned(integration, plugin, inbound, new)


def _learned(integration: Integration, plugin: Any, inbound: Inbound, new: dict[str, Any]) -> dict[str, Any]:
    """Keep what the first genuine request decides; where another was faster, this one is judged by that."""
    with transaction():
        fresh = locked(Integration, integration.id)
        if fresh is not None:
            fresh.config = {**new, **{name: value for name, value in fresh.config.items() if value}}
            config = credentials.config_of(fresh, plugin)
    plugin.verify(inbound, config)
    return config


def delivery_key(plugin: Any, inbound: Inbound) -> str | None:
    """The vendor's own name of this delivery, None without one."""
    found = plugin.delivery_key(inbound) if hasattr(plugin, "delivery_key") else ""
    return found[:300] or None
