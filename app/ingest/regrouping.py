"""Alerts that are open when an integration begins to make them another way: resolved, or left until they recover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, Problem
from app.core.events import record
from app.incidents.models import Alert
from app.ingest import events, rules
from app.ingest.models import Integration

SAID = {"resolve": "are resolved", "leave": "are left until they recover"}


def number_open(integration: Integration) -> int:
    """How many of its alerts fire."""
    return session.scalar(select(func.count()).select_from(Alert).where(_firing(integration))) or 0


def regroups(plugin: Any) -> bool:
    """Whether the plugin has a setting that makes other alerts of the same problems."""
    return plugin is not None and any(one.regroups for one in plugin.fields)


def settle(integration: Integration, plugin: Any, before: Mapping[str, Any], *, fate: str, by: Actor) -> None:
    """After a change of settings: note what is to become of the open alerts that were made the way before; a tick does it
    (`leftovers.end`). Raises Invalid when that is not said and there are some."""
    changed = {one.name: before.get(one.name, one.default) for one in plugin.fields if one.regroups
               and before.get(one.name, one.default) != integration.config.get(one.name, one.default)}
    number = number_open(integration) if changed else 0
    if not number:
        return
    if fate not in rules.FATES:
        those = "1 alert is" if number == 1 else f"{number} alerts are"
        raise Invalid(problems=[Problem("open_alerts", f"{those} open that were made the way before: say whether to resolve "
                                                       "or to leave them")])
    integration.former_config, integration.regrouped_at = changed if fate == "leave" else {}, clock.now()
    record(events.REGROUPED, integration.ref, by=by, also=[f"integration/{integration.key}"], name=integration.name,
           number=number, fate=SAID[fate])


def left(integration: Integration, keys: list[str]) -> set[str]:
    """Those of the keys under which an alert is open that was made the way before."""
    return set(session.scalars(select(Alert.dedup_key).where(before(integration), Alert.dedup_key.in_(keys))))


def before(integration: Integration) -> ColumnElement[bool]:
    """The alerts that fire and were made the way before."""
    return and_(_firing(integration), Alert.first_seen <= integration.regrouped_at)


def _firing(integration: Integration) -> ColumnElement[bool]:
    return and_(Alert.integration_id == integration.id, Alert.status == "firing")
