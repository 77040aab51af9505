"""The one log: kinds of facts, the row that is timeline, audit and outbox at once, and `record`."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, former
from app.core.access import Actor
from app.core.db import Base, BigId, Key, pending, session
from app.core.log import because_of, request_id

KINDS: dict[str, Kind] = {}
_cause: ContextVar[tuple[int, int]] = ContextVar("cause", default=(0, 0))
_heard: list[Callable[[str], bool]] = []
DEEPEST = 8
UNDISPATCHED = text("dispatched_at IS NULL")


@dataclass(frozen=True)
class Kind:
    """A fact that a domain can state: `noun.past_participle`, the sentence people read, and its data's names. `inner`: it
    is handed over to prove that facts are, so plugins do not hear of it and no figure counts it."""

    name: str
    sentence: str
    data: tuple[str, ...] = ()
    timeline: bool = False
    inner: bool = False

    def __post_init__(self) -> None:
        if self.name in KINDS:
            raise ValueError(f"event kind {self.name} is declared twice")
        KINDS[self.name] = self


def _shown(kept: str, show: Callable[[Event, Any], Any]) -> hybrid_property[Any]:
    """A value of the row as people and machines read it; a statement reads the column."""
    def read(event: Event) -> Any:
        return show(event, getattr(event, kept))

    def write(event: Event, value: Any) -> None:
        setattr(event, kept, value)
    return hybrid_property(read, write, expr=lambda row: getattr(row, kept))


class Event(Base):
    """One fact. Append-only: only `dispatched_at` is ever updated. What a row holds is in the columns that begin with
    `kept_`; everybody reads it by the names without, which say nothing of people who were erased."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_subject", "subject", "id"),
        Index("ix_events_undispatched", "id", sqlite_where=UNDISPATCHED, postgresql_where=UNDISPATCHED),
        {"sqlite_autoincrement": True},  # an id is never given twice, even after a purge
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(80), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(80), index=True)
    kept_actor_name: Mapped[str] = mapped_column("actor_name", String(200))
    subject: Mapped[str] = mapped_column(String(80))
    also: Mapped[list[str]]
    kept_data: Mapped[dict[str, Any]] = mapped_column("data")
    kept_ip: Mapped[str] = mapped_column("ip", String(64), default="")
    kept_agent: Mapped[str] = mapped_column("agent", String(300), default="")
    cause_id: Mapped[int | None] = mapped_column(BigId)  # no foreign key: the cause may be purged one day
    depth: Mapped[int] = mapped_column(default=0)
    dispatched_at: Mapped[datetime | None]
    request_id: Mapped[str] = mapped_column(String(64), default="")  # of the request that led here, through jobs too

    actor_name = _shown("kept_actor_name", lambda event, said: former.name(event.actor, said))
    data = _shown("kept_data", lambda event, said: former.told(said, at=event.id, subject=event.subject))
    ip = _shown("kept_ip", lambda event, said: "" if former.gone(event.actor) else said)
    agent = _shown("kept_agent", lambda event, said: "" if former.gone(event.actor) else said)


class _Sentence(string.Formatter):
    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        return kwargs.get(str(key), "")

    def format_field(self, value: Any, format_spec: str) -> str:
        """A list with commas; with a spec such as "delivery|deliveries" the number and the word that goes with it."""
        if "|" in format_spec:
            one, many = format_spec.split("|")
            return f"{value} {one if value == 1 else many}"
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def sentence(event: Event) -> str:
    """What people read about this fact; unknown kinds (a removed plugin's) show their name."""
    kind = KINDS.get(event.kind)
    if kind is None:
        return event.kind
    return _Sentence().format(kind.sentence, actor=event.actor_name, **event.data).strip()


def record(kind: Kind, subject: str, /, *, by: Actor, also: Iterable[str] = (), **data: Any) -> Event:
    """Add the fact to the open transaction. `subject` and `also` are refs; `data` must hold the kind's names only.

    A chain of causes deeper than 8 is refused with RuntimeError: two automations feeding each other must end.
    """
    unknown = set(data) - set(kind.data)
    if unknown:
        raise ValueError(f"{kind.name} does not declare {', '.join(sorted(unknown))}")
    cause, depth = _cause.get()
    if depth > DEEPEST:
        raise RuntimeError(f"{kind.name} refused: a chain of {DEEPEST} causes led here")
    at = clock.now()
    waits = any(heard(kind.name) for heard in _heard)
    event = Event(kind=kind.name, at=at, dispatched_at=None if waits else at, actor=by.ref,
                  actor_name=by.name[:200], subject=subject, also=list(also), data=data, ip=by.ip[:64],
                  agent=by.agent[:300], cause_id=cause or None, depth=depth, request_id=request_id())
    session.add(event)
    pending().events.append(event)
    return event


def hand_over_again(event: Event) -> None:
    """Let a fact that was told go to its listeners once more, after the open transaction's commit."""
    event.dispatched_at = None
    pending().events.append(event)


def inner_kinds() -> list[str]:
    """The names of the kinds that concern the system's own works alone."""
    return [name for name, kind in KINDS.items() if kind.inner]


class caused_by:
    """Facts recorded in this block were caused by `event`, and by the request that led to it."""

    def __init__(self, event: Event) -> None:
        self.values, self.request = (event.id, event.depth + 1), because_of(event.request_id)

    def __enter__(self) -> None:
        self.token = _cause.set(self.values)
        self.request.__enter__()

    def __exit__(self, *_: object) -> None:
        self.request.__exit__(None, None, None)
        _cause.reset(self.token)


def listening(heard: Callable[[str], bool]) -> None:
    """Name the one who knows whether anybody hears a kind (core/jobs); unheard facts need no dispatch."""
    _heard[:] = [heard]
