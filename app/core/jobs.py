"""The door: after a commit it tells live pages and wakes workers; and the jobs that run reactions."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

import redis
import structlog
from flask import Flask, current_app
from rq import Queue, Retry, get_current_job
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, hold, live
from app.core.db import Pending, after_commit, pending, session, transaction
from app.core.events import KINDS, Event, caused_by, listening
from app.core.log import request_id
from app.core.redis import client, pulse
from app.plugin_api import EventView

log = structlog.get_logger()
CHUNK = 100
QUEUES = ("pages", "default", "workflows")
STALE = timedelta(seconds=5)
PAUSE = 1.0
RETRIES = 3


@dataclass(frozen=True)
class On:
    """A row of the subscription table: events whose kind matches `pattern` go to the function at `reaction`."""

    pattern: str
    reaction: str
    queue: str = "default"


# Plugins that listen hear every fact; without any nothing is handed over for their sake.
PLUGINS = (On("*", "app.core.jobs.tell_plugins"),)


def tell_plugins(event: Event) -> None:
    """Let every plugin that listens hear a committed fact, read-only. One that fails is logged and stops no other."""
    kind = KINDS.get(event.kind)
    if (kind is not None and kind.inner) or function(current_app.extensions["hushed"])(event):
        return
    current_app.extensions["plugins"].tell(EventView(
        id=event.id, kind=event.kind, at=event.at, actor=event.actor, subject=event.subject, data=event.data))


def function(path: str) -> Callable[..., Any]:
    """The function at a dotted path."""
    module, _, name = path.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def in_worker() -> bool:
    """Whether this is a job that a worker took from a queue."""
    return get_current_job() is not None


def wake(path: str, queue: str = "pages") -> None:
    """After this transaction's commit run the tick at `path` once, soon. A lost wake-up is caught by the clock.

    What is no page names another `queue`, so that it holds up no page.
    """
    pending().wakes.add((path, queue))


def stir(topic: str, kind: str) -> None:
    """After this transaction's commit let open pages of `topic` look again, as on a fact of `kind`, which is recorded
    nowhere: for what happens too often to be a fact. One message for all of a transaction."""
    pending().stirs.add((topic, kind))


def init_jobs(app: Flask, subscriptions: Iterable[On]) -> None:
    """Check that every reaction exists and become the receiver of committed transactions."""
    table = tuple(subscriptions) + (PLUGINS if app.extensions["plugins"].listeners else ())
    for row in table:
        function(row.reaction)
    app.extensions["subscriptions"] = table
    app.extensions["redis_down_until"] = 0.0
    after_commit(dispatch)
    listening(lambda kind: any(heard_by(kind)))


def heard_by(kind: str) -> Iterator[On]:
    """The rows of the table that hear this kind."""
    table: tuple[On, ...] = current_app.extensions["subscriptions"]
    return (row for row in table if fnmatchcase(kind, row.pattern))


def dispatch(left: Pending) -> None:
    """Publish, enqueue, mark. Never raises: the change is committed, a sweep repairs what could not be told."""
    if not left.events and not left.wakes and not left.stirs:
        return
    down_until = current_app.extensions["redis_down_until"]
    if time.monotonic() < down_until:
        return
    if down_until and pulse().away(now=True):  # a Redis that hangs costs one request its patience, not one a second
        current_app.extensions["redis_down_until"] = time.monotonic() + PAUSE
        return
    try:
        connection = client()
        tell_pages(connection, left.events, left.stirs)
        _enqueue(connection, left.events)
        for path, queue in left.wakes:
            _wake(connection, path, queue)
    except redis.RedisError as error:
        current_app.extensions["redis_down_until"] = time.monotonic() + PAUSE
        log.warning("dispatch.postponed", reason=str(error)[:200], events=len(left.events))
        return
    current_app.extensions["redis_down_until"] = 0.0
    try:
        _mark([event.id for event in left.events if any(heard_by(event.kind))])
    except SQLAlchemyError as error:
        log.warning("dispatch.not_marked", reason=str(error).splitlines()[0][:200], events=len(left.events))


@contextmanager
def at_once() -> Iterator[None]:
    """Inside, reactions run here right after each commit instead of in workers; ticks are the caller's.

    For a process that works alone on the database, such as one that fills an example in.
    """
    after_commit(_react_here)
    try:
        yield
    finally:
        after_commit(dispatch)


def _react_here(left: Pending) -> None:
    heard = [event for event in left.events if any(heard_by(event.kind))]
    for event in heard:
        for row in heard_by(event.kind):
            _attempt(row.reaction, event.id)
    _mark([event.id for event in heard])


def tell_pages(connection: redis.Redis, events: Iterable[Event], stirs: Iterable[tuple[str, str]] = ()) -> None:
    """Tell live pages which subjects changed; each reader's own page decides what they see."""
    topics = {topic for event in events for topic in (event.subject, *event.also)} | {topic for topic, _ in stirs}
    if topics:
        live.publish(connection, topics, {event.kind for event in events} | {kind for _, kind in stirs})


def _enqueue(connection: redis.Redis, events: Iterable[Event]) -> None:
    by_row: dict[On, list[int]] = defaultdict(list)
    for event in events:
        for row in heard_by(event.kind):
            by_row[row].append(event.id)
    for row, ids in by_row.items():
        queue = Queue(row.queue, connection=connection)
        for start in range(0, len(ids), CHUNK):
            queue.enqueue("app.core.jobs.deliver", row.reaction, ids[start:start + CHUNK], result_ttl=0,
                          failure_ttl=86400, job_timeout=120, retry=Retry(max=RETRIES), meta={"request_id": request_id()})


def _wake(connection: redis.Redis, path: str, queue: str) -> None:
    """Coalesced: while one wake-up waits in the queue, further ones add nothing."""
    if connection.set(f"oncall:wake:{path}", 1, nx=True, ex=10):
        Queue(queue, connection=connection).enqueue("app.core.jobs.run_tick", path, result_ttl=0, failure_ttl=3600,
                                                    job_timeout=300, meta={"request_id": request_id()})


def _mark(ids: list[int]) -> None:
    if not ids:
        return
    with transaction():
        session.execute(update(Event).where(Event.id.in_(ids)).values(dispatched_at=clock.now()),
                        execution_options={"synchronize_session": False})


def run_tick(path: str) -> None:
    """A wake-up arrived. The mark goes first, so that whatever comes during the run wakes another."""
    client().delete(f"oncall:wake:{path}")
    if hold.may_run(path):
        function(path)()


def deliver(reaction: str, ids: list[int]) -> None:
    """Run one subscriber's reaction for a chunk of events in one transaction; a failing chunk goes one by one."""
    try:
        _react(reaction, ids)
    except Exception:
        if len(ids) == 1:
            raise
        log.exception("reaction.chunk_failed", reaction=reaction, events=len(ids))
        failures = [error for key in ids if (error := _attempt(reaction, key))]
        if failures:
            raise failures[0] from None


def _attempt(reaction: str, key: int) -> Exception | None:
    try:
        _react(reaction, [key])
    except Exception as error:
        log.exception("reaction.failed", reaction=reaction, event_id=key)
        return error
    return None


def _react(reaction: str, ids: list[int]) -> None:
    with transaction():
        events = session.scalars(select(Event).where(Event.id.in_(ids)).order_by(Event.id)).all()
        for event in events:
            with caused_by(event):
                function(reaction)(event)


def redispatch() -> int:
    """Tick: hand over again what was committed but not told, or run it here while Redis is away."""
    done, after, query = 0, 0, select(Event).where(Event.dispatched_at.is_(None), Event.at < clock.now() - STALE)
    while True:
        with transaction():
            late = list(session.scalars(query.where(Event.id > after).order_by(Event.id).limit(CHUNK * 5)))
        told = _told(late) if late else []
        _mark([event.id for event in told])
        done += len(told)
        if len(late) < CHUNK * 5:
            return done
        after = late[-1].id


def _told(late: list[Event]) -> list[Event]:
    """Those that are with the workers now, or were told here: one whose reaction failed is told again by the next tick, and
    stands among the failed jobs once Redis is back."""
    try:
        _enqueue(client(), late)
        tell_pages(client(), late)
    except redis.RedisError:
        faults = {event.id: [_attempt(row.reaction, event.id) for row in heard_by(event.kind)] for event in late}
        return [event for event in late if not any(faults[event.id])]
    return late
