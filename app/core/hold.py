"""The brake on everything that goes out: after a restore nothing is sent until a person releases it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Select, delete, func, select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.events import Kind, record
from app.core.pulse import Pulse

HELD, SHOWN = "held", 20
RELEASED = Kind("system.released", "{actor} released what was held: {reason}", ("reason",))


def init_hold(app: Flask, outgoing: Iterable[str]) -> None:
    """Name the ticks that call outward or page: none of them runs while the brake is on."""
    app.extensions["outgoing"] = frozenset(outgoing)
    app.jinja_env.globals["nothing_goes_out"] = held


def row(reason: str) -> dict[str, Any]:
    """The row that puts the brake on, for whoever fills a database; it survives restarts."""
    return {"name": HELD, "at": clock.now(), "detail": {"reason": reason}}


def held() -> str:
    """Why nothing goes out; "" when everything does."""
    pulse = session.get(Pulse, HELD, populate_existing=True)
    return str(pulse.detail.get("reason") or "held") if pulse is not None else ""


def may_run(path: str) -> bool:
    """Whether this tick may run now."""
    if path not in current_app.extensions.get("outgoing", ()):
        return True
    try:
        return not held()
    finally:
        session.rollback()


@dataclass(frozen=True)
class Held:
    """One thing that would go out at once if nothing were held: what to whom, since when it is due, and its page."""

    what: str
    whom: str
    since: datetime | None
    url: str = ""


def would_go(query: Select[Any], show: Callable[[Any], Held]) -> tuple[int, list[Held]]:
    """How many rows of one entity would go out, and the first of them: what each domain answers the panel `outgoing`."""
    number = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    return number, [show(row) for row in session.scalars(query.limit(SHOWN))] if number else []


class Look:
    """The brake, for all ticks that begin at one moment: the first that needs to know asks, for the others too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: bool | None = None

    def may_run(self, path: str) -> bool:
        """Whether this tick may run now."""
        if path not in current_app.extensions.get("outgoing", ()):
            return True
        with self._lock:
            if self._held is None:
                self._held = not may_run(path)
            return not self._held


def release(*, by: Actor) -> str:
    """Let go; says what was held, "" when nothing was. Whoever calls asks for permission."""
    reason = held()
    if reason:
        session.execute(delete(Pulse).where(Pulse.name == HELD))
        record(RELEASED, "system", by=by, reason=reason)
    return reason
