"""What a ping, a failure or a deadline does: the row, and a delivery that takes the road of every alert."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.events import Kind, record
from app.core.forms import duration_text
from app.core.isolation import isolated
from app.heartbeats import events, queries, rules
from app.heartbeats.models import Heartbeat
from app.heartbeats.service import also
from app.ingest import door
from app.ingest.models import Integration

BATCH = 200
SHOWN = 4000


def ping(token: str, *, kind: str = "ok", output: bytes = b"", code: int | None = None) -> bool:
    """Note what the owner of this token reports (`ok`, `start`, `failed`, `log`); False for an unknown token."""
    with transaction():
        heartbeat = queries.heartbeat_by_token(token)
        if heartbeat is not None:
            _reported(heartbeat, kind, output, code)
        return heartbeat is not None


def ping_by_name(name: str, integration: Integration, output: bytes) -> bool:
    """For senders that know a name and the key of an integration: the heartbeat with that key, of the same team."""
    with transaction():
        heartbeat = queries.heartbeat_by_key(name or integration.key)
        if heartbeat is None or heartbeat.team_id not in (None, integration.team_id):
            return False
        session.refresh(heartbeat, with_for_update={"of": Heartbeat})
        _reported(heartbeat, "ok", output, None)
        return True


def _reported(heartbeat: Heartbeat, kind: str, output: bytes, code: int | None) -> None:
    now, former = clock.now(), heartbeat.state
    if output or kind != "start":
        heartbeat.last_output = output[:rules.OUTPUT].decode("utf-8", "replace").replace("\0", "")
    if kind == "start":
        heartbeat.started_at = now
    if kind not in ("ok", "failed"):
        return
    took = int((now - heartbeat.started_at).total_seconds()) if heartbeat.started_at else None
    heartbeat.last_ping_at, heartbeat.started_at = now, None
    heartbeat.recent = rules.remembered(heartbeat.recent, rules.Beat(now, kind, took))
    if kind == "failed":
        return _failed(heartbeat, former, code, now)
    heartbeat.state, heartbeat.due_at = "alive", rules.due(now, heartbeat.every, heartbeat.grace)
    if former == "late":
        _place(heartbeat, "resolved", "", now)
    if former != "alive":
        _say(events.RECOVERED if former == "late" else events.ARMED, heartbeat)
    return None


def _failed(heartbeat: Heartbeat, former: str, code: int | None, now: datetime) -> None:
    """Fires at once; while it is muted, at the end of that, unless it reports again before."""
    if heartbeat.muted(now):
        heartbeat.state, heartbeat.due_at = "alive", now
        return
    heartbeat.state, heartbeat.due_at = "late", None
    if former != "late":
        _place(heartbeat, "firing", f"It failed{f' with exit code {code}' if code is not None else ''}.", now)
        _say(events.FAILED, heartbeat, code=code)


def expire() -> int:
    """Tick: what is over its deadline is late and fires; of two clocks one does it."""
    try:
        keys = session.scalars(select(Heartbeat.id).where(_over()).order_by(Heartbeat.due_at).limit(BATCH)).all()
    finally:
        session.rollback()
    return isolated(keys, _expire, _postpone)


def _over() -> ColumnElement[bool]:
    now = clock.now()
    loud = Heartbeat.muted_until.is_(None) | (Heartbeat.muted_until <= now)
    return and_(Heartbeat.state == "alive", Heartbeat.due_at <= now, loud)


def _expire(keys: Sequence[int]) -> int:
    for key in keys:
        claimed = session.execute(update(Heartbeat).where(Heartbeat.id == key, _over()).values(state="late"))
        if claimed.rowcount:
            _expired(session.get_one(Heartbeat, key, populate_existing=True), clock.now())
    return len(keys)


def _postpone(key: int, _fault: Exception) -> None:
    """It could not be said that it is late: once more in a minute, and the others meanwhile."""
    session.execute(update(Heartbeat).where(Heartbeat.id == key, _over()).values(due_at=clock.now() + timedelta(minutes=1)))


def _expired(heartbeat: Heartbeat, now: datetime) -> None:
    due, heartbeat.due_at = heartbeat.due_at, None
    if heartbeat.recent and heartbeat.recent[-1]["kind"] == "failed":
        return _place(heartbeat, "firing", "It failed while it was muted.", now)
    heartbeat.recent = rules.remembered(heartbeat.recent, rules.Beat(now, "late"))
    _place(heartbeat, "firing", f"It reports every {duration_text(heartbeat.every)}, with {duration_text(heartbeat.grace)} "
           f"of grace; the last time was {clock.rfc3339(heartbeat.last_ping_at)}.", now)
    return _say(events.LATE, heartbeat, due=clock.rfc3339(due))


def _place(heartbeat: Heartbeat, status: str, reason: str, now: datetime) -> None:
    said: dict[str, Any] = {"heartbeat": heartbeat.key, "name": heartbeat.name, "status": status, "reason": reason,
                            "last_ping_at": clock.rfc3339(heartbeat.last_ping_at),
                            "output": heartbeat.last_output[:SHOWN], "at": clock.rfc3339(now)}
    door.put(heartbeat.integration, said, at=now)


def _say(kind: Kind, heartbeat: Heartbeat, **data: Any) -> None:
    by = Actor(heartbeat.ref, f"heartbeat {heartbeat.name}", via="heartbeat")
    record(kind, heartbeat.ref, by=by, also=also(heartbeat), name=heartbeat.name, **data)
