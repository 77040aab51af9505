"""Rows of schedules as the pure rules read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Text, cast

from app.oncall import rules
from app.oncall.models import ImportedShift, Layer, Override

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CALENDARS = {"primary": "calendar", "override": "override calendar"}
"""The names of the layers that imported calendars make: below all others, and above them."""
# When many layers are read, the texts of their turns are: most were read before and need no parsing.
LAYER_COLUMNS = (*(one for one in Layer.__table__.columns if one.name not in ("turns", "restrictions")),
          cast(Layer.turns, Text).label("turns"), cast(Layer.restrictions, Text).label("restrictions"))


def plan_from(zone: str, layers: Sequence[Layer], overrides: Sequence[Override],
          imported: Sequence[ImportedShift]) -> rules.Schedule:
    """Layers, lowest precedence first, between the calendars that are imported, and the overrides."""
    in_order = tuple(layer_of(layer, zone) for layer in sorted(layers, key=lambda one: one.position))
    if imported:
        in_order = (*imported_layers(imported, zone, "primary"), *in_order,
                    *imported_layers(imported, zone, "override"))
    return rules.Schedule(ZoneInfo(zone), in_order, tuple(override_of(one) for one in overrides))


def imported_layers(imported: Iterable[ImportedShift], zone: str, use: str) -> Iterator[rules.Layer]:
    """What a calendar of this use says, as a layer; none where there is nothing."""
    spans = tuple((one.starts_at, one.ends_at, tuple(one.people)) for one in imported if one.use == use)
    if spans:
        local = ZoneInfo(zone)
        yield rules.Layer(CALENDARS[use], local, rules.wall_time(spans[0][0], local), None, rules.Rotation(1, "day"), (),
                          fixed=spans)


def layer_of(layer: Layer, zone: str) -> rules.Layer:
    """A layer's row as the rules read it; `zone` is the schedule's, for a layer without one of its own."""
    return rules.Layer(
        name=layer.name, zone=ZoneInfo(layer.time_zone or zone), starts=datetime.fromisoformat(layer.starts),
        ends=datetime.fromisoformat(layer.ends) if layer.ends else None,
        rotation=rules.Rotation(layer.every, layer.unit), turns=_turns(layer.turns),
        restrictions=_restrictions(layer.restrictions), skip_inactive=layer.skip_inactive,
        holidays=layer.holidays or "",
        first_turn=layer.first_turn or 0, since=layer.since, until=layer.until)


def _turns(given: Any) -> tuple[tuple[int, ...], ...]:
    return _turns_of(given) if isinstance(given, str) else tuple(map(tuple, given))


def _restrictions(given: Any) -> tuple[rules.Restriction, ...]:
    return _restrictions_of(given) if isinstance(given, str) else tuple(restriction_of(one) for one in given)


@lru_cache(maxsize=8192)
def _turns_of(text: str) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, json.loads(text)))


@lru_cache(maxsize=8192)
def _restrictions_of(text: str) -> tuple[rules.Restriction, ...]:
    return tuple(restriction_of(one) for one in json.loads(text))


def restriction_of(written: dict[str, Any]) -> rules.Restriction:
    """A restriction as the rules read it, from how the document writes it."""
    return _restriction(tuple(written["days"]), written["from"], written["to"])


@lru_cache(maxsize=1024)
def _restriction(days: tuple[str, ...], first: str, last: str) -> rules.Restriction:
    return rules.Restriction(frozenset(map(DAYS.index, days)), time.fromisoformat(first), time.fromisoformat(last))


def override_of(override: Override) -> rules.Override:
    """An override's row as the rules read it."""
    return rules.Override(override.starts_at, override.ends_at, tuple(override.people), override.replaces_id)
