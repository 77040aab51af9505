"""How a service quiets noise: the settings as documents write them and as they are kept, in seconds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from app.core.forms import Problems, check_boolean, check_list, check_text, duration, duration_text, one_of

GROUPS = ("none", "window", "labels")
SPANS = {"window": (60, 24 * 3600), "delay": (0, 3600), "dependency_hold": (0, 3600), "reopen_within": (0, 3600),
         "acknowledge_timeout": (300, 24 * 3600), "resolve_delay": (0, 3600)}
OFF = ("acknowledge_timeout",)  # may be 0 although the least is more
MOST_LABELS = 5


@dataclass(frozen=True)
class Noise:
    """`group`: whether new alerts join an open incident: `none`, `window` (of `window` seconds from its opening) or
    `labels` (equal values of `labels`; within `window`). `delay`: seconds before the first page, but for critical ones.
    `dependency_hold`: seconds for which pages wait while something it depends on is down. `reopen_within`: seconds after
    its resolve within which a problem that comes back reopens its incident. `acknowledge_timeout`: seconds after which
    whoever acknowledged is asked whether they are still on it; 0: never. `resolve_delay`: seconds for which a recovery
    waits, in case the problem comes back."""

    group: str = "none"
    window: int = 1800
    labels: tuple[str, ...] = ()
    delay: int = 0
    flapping: bool = True
    storm: bool = True
    dependency_hold: int = 0
    dependency_hold_critical: bool = False
    reopen_within: int = 0
    acknowledge_timeout: int = 0
    resolve_delay: int = 0


def noise(kept: Mapping[str, Any] | None) -> Noise:
    """What a service keeps, with the defaults for what it does not say."""
    known = {one.name for one in fields(Noise)}
    said = {name: value for name, value in (kept or {}).items() if name in known}
    return Noise(**{**said, "labels": tuple(said.get("labels") or ())})


def document(kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """The settings that differ from the defaults, as documents write them."""
    now, plain = noise(kept), Noise()
    found: dict[str, Any] = {}
    for one in fields(Noise):
        value = getattr(now, one.name)
        if value != getattr(plain, one.name):
            plainly = list(value) if isinstance(value, tuple) else value
            found[one.name] = duration_text(value) if one.name in SPANS else plainly
    return found


def read(given: Mapping[str, Any] | None, faults: Problems) -> dict[str, Any]:
    """The settings as they are kept; faults stand at their fields."""
    kept: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if name in SPANS:
            kept[name] = faults.take(name, _span, value, name=name)
        elif name == "group":
            kept[name] = faults.take(name, one_of, value, choices=GROUPS)
        elif name == "labels":
            kept[name] = faults.take(name, _labels, value)
        else:
            kept[name] = faults.take(name, check_boolean, value)
    if kept.get("group") == "labels" and not kept.get("labels"):
        faults.add("labels", "Name the labels whose values must be equal")
    plain = Noise()
    return {name: value for name, value in kept.items() if value is not None and value != getattr(plain, name)
            and not (name == "labels" and not value)}


def _span(text: object, *, name: str) -> int:
    least, most = SPANS[name]
    seconds = duration(text)
    if seconds == 0 and name in OFF:
        return 0
    if not least <= seconds <= most:
        raise ValueError(f"From {duration_text(least)} to {duration_text(most)}")
    return seconds


def _labels(value: object) -> list[str]:
    names = [check_text(one, least=1, most=128, label="A label") for one in check_list(value, most=MOST_LABELS)]
    return list(dict.fromkeys(names))
