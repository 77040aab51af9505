"""When nobody is on duty, and why; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from app.oncall.plan import Schedule
from app.oncall.rules import on_duty, shifts


@dataclass(frozen=True)
class Gap:
    """Nobody is on duty from `start` until just before `end`; `cause` says why in a few words."""

    start: datetime
    end: datetime
    cause: str


def gaps(plan: Schedule, start: datetime, end: datetime, inactive: frozenset[int] = frozenset()) -> list[Gap]:
    """The gaps from `start` until just before `end`, clipped to it, in order."""
    return [Gap(one.start, one.end, cause(plan, one.start, inactive))
            for one in shifts(plan, start, end, inactive=inactive) if not one.people and one.start and one.end]


def cause(plan: Schedule, at: datetime, inactive: frozenset[int] = frozenset()) -> str:
    """Why nobody is on duty at `at`: the first of these whose absence would put somebody on duty."""
    present = replace(plan, away=())
    if on_duty(present, at).people:
        return "somebody is deactivated"
    if on_duty(replace(present, overrides=()), at).people:
        return "an override takes everybody off"
    for layer in reversed(plan.layers):
        if layer.restrictions and on_duty(replace(present, layers=(replace(layer, restrictions=()),)), at).people:
            return f"the layer {layer.name} is restricted to other times"
    for layer in reversed(plan.layers):
        if layer.holidays and on_duty(replace(present, layers=(replace(layer, holidays="", restrictions=()),)), at).people:
            return f"the layer {layer.name} is {'for holidays only' if layer.holidays == 'only' else 'not for holidays'}"
    for layer in reversed(plan.layers):
        if layer.ends and on_duty(replace(present, layers=(replace(layer, ends=None, restrictions=()),)), at).people:
            return f"the layer {layer.name} has ended"
    return "no layer covers this time"


def unknown(found: Iterable[Gap], known: Iterable[tuple[datetime, datetime]], seen_until: datetime) -> list[Gap]:
    """The gaps that were not there at the last look. One that only came into sight as time passed is not counted where
    others were known: of a layer that is for working days only, every night would be news. One that went on beyond the
    last look is known by what was seen of it."""
    spans = list(known)
    return [gap for gap in found if (gap.start < seen_until or not spans)
            and not any(start <= gap.start and min(gap.end, seen_until) <= end for start, end in spans)]
