"""The timeline of a postmortem: the log of its incidents in rows, oldest first, with what people added and hid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import select

from app.core import clock, former
from app.core.db import session
from app.core.events import KINDS, Event, sentence
from app.incidents.detail import drawn
from app.incidents.models import Note
from app.postmortems.models import Postmortem
from app.postmortems.rules import Content

PAGES = ("message.sent", "message.delivered", "message.failed")
NOISE = ("incident.routed", "message.", "escalation.", "incident.alert_joined")
MANY = 3


@dataclass(frozen=True)
class Row:
    """One line. `key` is the id of its first log entry, or of a row that a person added; `ids` are all its entries."""

    key: int
    at: datetime
    text: str
    kind: str
    incident: int = 0
    actor: str = ""
    body: str = ""
    ids: tuple[int, ...] = ()
    added_by: str = ""
    hidden: bool = False

    @property
    def tone(self) -> str:
        """The tone of its kind."""
        return "human" if self.added_by else drawn(self.kind)[0]

    @property
    def drawing(self) -> str:
        """The drawing of its kind."""
        return "note" if self.added_by else drawn(self.kind)[1]

    @property
    def noise(self) -> bool:
        """Whether readers can mostly do without it: what machines did, not what people did."""
        return not self.added_by and self.kind.startswith(NOISE)


class Entry(NamedTuple):
    """What is needed of an entry of the log, as it is shown."""

    id: int
    kind: str
    at: datetime
    actor_name: str
    subject: str
    data: dict[str, Any]


def rows_of(postmortem: Postmortem, said: Content) -> list[Row]:
    """The rows as this text shows or hides them."""
    numbers = [link.incident_id for link in postmortem.links]
    found = [row for events in _log(numbers).values() for row in from_log(events, _deleted(numbers))]
    hidden = set(said.hidden)
    rows = [replace(row, hidden=row.key in hidden) for row in found]
    return sorted([*rows, *(_own(row) for row in said.rows)], key=lambda row: (row.at, row.key))


def _log(numbers: Sequence[int]) -> dict[str, list[Event]]:
    """The entries of each incident, by commit; only what is shown of them, as there may be thousands."""
    shown = [kind.name for kind in KINDS.values() if kind.timeline]
    found: dict[str, list[Event]] = {}
    query = select(Event.id, Event.kind, Event.at, Event.actor, Event.kept_actor_name, Event.subject, Event.kept_data)
    for row in session.execute(query.where(
            Event.subject.in_([f"incident:{number}" for number in numbers]), Event.kind.in_(shown)).order_by(Event.id)):
        found.setdefault(row.subject, []).append(cast(Event, Entry(
            row.id, row.kind, row.at, former.name(row.actor, row.kept_actor_name), row.subject,
            former.told(row.kept_data, at=row.id))))
    return found


def _deleted(numbers: Sequence[int]) -> set[int]:
    """The notes whose text their authors took away."""
    return set(session.scalars(select(Note.id).where(Note.incident_id.in_(numbers), Note.deleted_at.is_not(None))))


def from_log(events: Sequence[Event], deleted: Iterable[int] = ()) -> list[Row]:
    """One incident's entries as rows: the fates of a page stand in one, signals in a row in one."""
    pages, gone, rows = _fates(events), set(deleted), []
    at = 0
    while at < len(events):
        event, run = events[at], _run(events, at)
        alike = events[at:at + run]
        if event.kind in PAGES and "message" in event.data:
            alike = pages.pop(event.data["message"], [])
        if alike:
            rows.append(_row(event, alike, gone))
        at += run
    return rows


def _run(events: Sequence[Event], start: int) -> int:
    """How many entries from `start` on are signals in a row; 1 for less than three."""
    end = start
    while end < len(events) and events[end].kind == events[start].kind == "incident.alert_joined":
        end += 1
    return end - start if end - start >= MANY else 1


def _fates(events: Iterable[Event]) -> dict[Any, list[Event]]:
    """What became of each page, by message."""
    found: dict[Any, list[Event]] = {}
    for event in events:
        if event.kind in PAGES and "message" in event.data:
            found.setdefault(event.data["message"], []).append(event)
    return found


def _row(event: Event, alike: Sequence[Event], gone: set[int]) -> Row:
    said = sentence(event)
    if event.kind in PAGES and "message" in event.data:
        said, kind = _fate(alike), alike[-1].kind
    else:
        kind = event.kind
        said = f"{len(alike)} more signals: {said.partition(': ')[2] or said}" if len(alike) > 1 else said
    return Row(event.id, event.at, said, kind, int(event.subject.partition(":")[2]), event.actor_name,
               _body(event, gone), tuple(one.id for one in alike))


def _fate(alike: Sequence[Event]) -> str:
    """Whom, by what, and what became of it."""
    first, last = alike[0], alike[-1]
    what = str(first.data.get("kind", "a message")).partition(" ")[2].capitalize()
    outcome = {"message.sent": "sent", "message.delivered": "delivered",
               "message.failed": f"failed: {last.data.get('error', '')}"}[last.kind]
    return f"{what} to {first.data.get('user', '')} by {first.data.get('channel', '')}, {outcome}"


def _body(event: Event, gone: set[int]) -> str:
    """What somebody wrote; of a note that was taken away only that it was there."""
    note = event.data.get("note")
    if event.kind == "incident.opened" or (event.kind.startswith("incident.note_") and note in gone):
        return ""
    written = event.data.get("body") or note
    return written if isinstance(written, str) else ""


def _own(row: Mapping[str, Any]) -> Row:
    return Row(int(row["id"]), datetime.fromisoformat(row["at"]), row["text"], "postmortem.row", added_by=row["by"])


def frozen(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """What is shown, as it is kept in a version and told to machines."""
    return [{"id": str(row.key), "at": clock.rfc3339(row.at), "kind": row.kind, "text": row.text, "body": row.body,
             "incident": row.incident or None, "actor": row.actor, "added_by": row.added_by or None,
             "entries": [str(one) for one in row.ids]} for row in rows if not row.hidden]


def thawed(kept: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The rows that a version keeps."""
    return [Row(int(one["id"]), datetime.fromisoformat(one["at"]), one["text"], one["kind"], one["incident"] or 0,
                one["actor"], one["body"], tuple(int(key) for key in one["entries"]), one["added_by"] or "")
            for one in kept]
