"""What is noted of the system's own health. Each runs in an open transaction; of several processes one wins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import Event, hand_over_again, record
from app.core.forms import duration_text
from app.core.isolation import attempt
from app.core.pulse import Pulse
from app.notifications import directly
from app.watch import events, queries, rules

SUBJECT = "system"


def locked(name: str) -> Pulse | None:
    """The row of this name, locked until the transaction ends."""
    return session.get(Pulse, name, with_for_update=True, populate_existing=True)


def made(name: str, at: datetime, **detail: Any) -> Pulse | None:
    """A new row of this name; None if another process made it just now."""
    row = Pulse(name=name, at=at, detail=detail)
    try:
        with attempt():
            session.add(row)
            session.flush()
    except IntegrityError:
        return None
    return row


def ask_for_proof() -> bool:
    """Hand the one entry over to a worker once more, unless that was done just now."""
    now = clock.now()
    row = locked(queries.PROOF)
    if row is not None and now - row.at < rules.ASKED_EVERY - timedelta(seconds=5):
        return False
    event = session.get(Event, row.detail["event"]) if row is not None else None
    if event is None:
        event = record(events.PROVED, SUBJECT, by=SYSTEM)
        session.flush()
    else:
        hand_over_again(event)
    session.merge(Pulse(name=queries.PROOF, at=now, detail={"event": event.id}))
    return True


def prove() -> None:
    """A worker has the entry: the chain held when it was asked for."""
    asked = queries.pulses(queries.PROOF).get(queries.PROOF)
    if asked is not None:
        took = round((clock.now() - asked.at).total_seconds(), 3)
        session.merge(Pulse(name=queries.PROVED, at=asked.at, detail={"took_s": took}))


def note_failing(part: str, reason: str, *, lasted: float = 0.0) -> list[int]:
    """A process sees it fail, for `lasted` seconds by now. Who is the first writes it down and tells administrators; gives
    the messages to send."""
    now, key = clock.now(), f"{queries.FAILING}{part}"
    row, since = locked(key), now - timedelta(seconds=lasted)
    if row is not None:
        row.at = now
        return []
    if made(key, now, since=clock.rfc3339(since), reason=reason[:250]) is None:
        return []
    record(events.FAILED, SUBJECT, by=SYSTEM, part=rules.name(part), reason=reason[:250], since=clock.rfc3339(since))
    return directly.write(rules.told(part, reason), cause=f"watch:{part}:{since.timestamp():.0f}", loud=rules.is_loud(part))


def note_well(part: str, *, at_once: bool = False) -> list[int]:
    """It works, as far as this process sees. Once nobody has seen it fail for a while, administrators are told."""
    key = f"{queries.FAILING}{part}"
    row = locked(key)
    if row is None or (not at_once and clock.now() - row.at < rules.CALM):
        return []
    found = queries.failing(row)
    session.delete(row)
    session.flush()
    return say_well(part, found)


def say_well(part: str, found: queries.Failing) -> list[int]:
    """Write down that it is over, and tell of it."""
    lasted = duration_text(max(1, int((clock.now() - found.since).total_seconds())))
    record(events.RECOVERED, SUBJECT, by=SYSTEM, part=rules.name(part), lasted=lasted, since=clock.rfc3339(found.since))
    return directly.write(rules.told_well(part, lasted), cause=f"well:{part}:{found.since.timestamp():.0f}", loud=False)
