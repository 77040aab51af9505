"""The filters of templates. Each takes a plain value and gives one; none can grow a value beyond the limit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MOST = 256 * 1024
# What `date` writes; a width such as %1000d is none of it.
DATE = re.compile(r"(?:[^%]|%[YmdHMSyjBbAaIpZz%])*")


@dataclass(frozen=True)
class Missing:
    """A name that stands for nothing."""

    name: str


@dataclass(frozen=True)
class Filter:
    """A filter, and how many values it takes beside the one before it."""

    act: Callable[..., Any]
    least: int = 0
    most: int = 0

    def __call__(self, value: Any, *more: Any) -> Any:
        """The value after the filter. Raises ValueError with a sentence."""
        return self.act(value, *more)


def text_of(value: Any) -> str:
    """A value inside of a text: lists and objects as JSON, true and false as words, an instant as RFC 3339."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, Missing):
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bool | Mapping | list | tuple):
        return _json(value)
    return str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=text_of)


def _default(value: Any, other: Any = "") -> Any:
    return other if isinstance(value, Missing) or value == "" else value


def _truncate(value: Any, length: Any = 255) -> str:
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise ValueError("truncate takes a number of characters")
    text = text_of(value)
    return text if len(text) <= length else text[:length - 1] + "…"


def _join(value: Any, between: Any = ", ") -> str:
    items = [text_of(one) for one in value] if isinstance(value, list | tuple) else [text_of(value)]
    _within(sum(map(len, items)) + len(text_of(between)) * len(items))
    return text_of(between).join(items)


def _replace(value: Any, old: Any, new: Any) -> str:
    text, old, new = text_of(value), text_of(old), text_of(new)
    if not old:
        return text
    _within(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _within(size: int) -> None:
    if size > MOST:
        raise ValueError(f"What the templates give is longer than {MOST // 1024} KiB")


def _date(value: Any, form: Any = "%Y-%m-%d") -> str:
    if not isinstance(form, str) or not DATE.fullmatch(form):
        raise ValueError("date takes a form like %Y-%m-%d %H:%M")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise ValueError("date needs an instant") from None
    if not isinstance(value, datetime):
        raise ValueError("date needs an instant")
    try:
        return (value if value.tzinfo is None else value.astimezone(UTC)).strftime(form)
    except (ValueError, OverflowError):  # in UTC it lies before the year 1, or after 9999
        raise ValueError("date needs an instant") from None


FILTERS: dict[str, Filter] = {
    "upper": Filter(lambda value: text_of(value).upper()), "lower": Filter(lambda value: text_of(value).lower()),
    "trim": Filter(lambda value: text_of(value).strip()), "truncate": Filter(_truncate, 0, 1),
    "default": Filter(_default, 0, 1), "json": Filter(_json), "date": Filter(_date, 0, 1), "join": Filter(_join, 0, 1),
    "replace": Filter(_replace, 2, 2),
}
