"""A schedule of the document as the rules read it, without storing it: for comparing it with another product's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.forms import Problems
from app.oncall import drafts, rules
from app.oncall.rows import plan_from


def plan_of(item: Mapping[str, Any], people: Mapping[str, Any], now: datetime) -> rules.Schedule:
    """The plan of one schedule's fields; `people` have an `id`, by e-mail address. What can't be read is left out."""
    problems, zone = Problems(), item["time_zone"]
    layers = drafts.layers(item.get("layers", []), zone, people, problems)
    overrides = drafts.overrides(item.get("overrides", []), ZoneInfo(zone), people, problems, now=now)
    return plan_from(zone, layers, overrides, ())
