"""Parts of a page that a higher domain adds: the table stands in wiring, the page asks for its parts by name."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from flask import current_app


@dataclass(frozen=True)
class Use:
    """One place where a thing is used: "Runbook Restart checkout", its page, and whose it is (None: everybody's)."""

    name: str
    url: str = ""
    team_id: int | None = None


@dataclass(frozen=True)
class Line:
    """One line about how a part of the system fares: `state` is ok, warn or bad, or "" for what is only told; `remedy` says
    what to do about it."""

    label: str
    value: str
    state: str = "ok"
    remedy: str = ""


def panels(page: str, *subject: Any) -> dict[str, Any]:
    """What the higher domains add to `page` about its subject (and for its reader, where the page names one)."""
    table: dict[str, dict[str, str]] = current_app.extensions["panels"]
    return {name: resolve_name(path)(*subject) for name, path in table.get(page, {}).items()}
