"""The sockets of one process: which views are watched, and how one render per view reaches all who watch it."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import redis
import structlog
from flask import Flask, g, request
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.exceptions import HTTPException

from app.core.errors import Failure
from app.core.feed import Line, View, frames
from app.core.pages import render_blocks, render_row

log = structlog.get_logger()

CHANNEL = "oncall:live"
GATHER = 0.2  # seconds: events this close together become one render
WAITS = (1, 2, 5)  # seconds between attempts to reach Redis
REFUSALS = (Failure, HTTPException)


class Hub:
    """One Redis listener and one renderer for all sockets of this process; both start with the first socket."""

    def __init__(self, app: Flask, connect: Callable[[], redis.Redis]) -> None:
        self.app, self._connect = app, connect
        self.views: dict[tuple[str, ...], View] = {}
        self.connected = threading.Event()
        self._lock = threading.RLock()
        self._events: deque[Mapping[str, Any]] = deque()
        self._bell = threading.Event()
        self._started = False
        self.stopping = threading.Event()

    def join(self, line: Line, key: tuple[str, ...], make: Callable[[], View]) -> None:
        """Let `line` watch the view of `key`; it is sent everything first."""
        with self._lock:
            self.leave(line)
            line.key, line.everything = key, True
            self.views.setdefault(key, make()).lines.add(line)
            if not self._started:
                self._started = True
                for work in (self._listen, self._render):
                    threading.Thread(target=work, name=f"live{work.__name__}", daemon=True).start()

    def leave(self, line: Line) -> None:
        """`line` watches nothing any more; a view without watchers is forgotten."""
        with self._lock:
            if view := self.views.get(line.key):
                view.lines.discard(line)
                if not view.lines:
                    del self.views[line.key]

    def stop(self) -> None:
        """End both threads and let every socket say goodbye; browsers come back to whoever serves next."""
        self.stopping.set()
        self._bell.set()
        for line in self._lines():
            line.ring()

    def everything(self, line: Line) -> str:
        """All regions of the view of `line`, rendered as its viewer or shared with one who sees the same."""
        view = self.views[line.key]
        with view.lock:
            line.frames.clear()
            line.everything = False
            version, at, html = view.whole
            if version != view.version or time.monotonic() - at > 1:
                with self.acting(line.environ):
                    html = frames(self._blocks(view, list(view.feed.regions)))
                view.whole = (view.version, time.monotonic(), html)
            view.sent.clear()  # this socket may now be ahead of the others: what comes next is sent in full
            return html

    @contextmanager
    def acting(self, environ: Mapping[str, Any]) -> Iterator[None]:
        """A request of the viewer's own page: their session, their rights, a database session of its own."""
        with self.app.app_context(), self.app.request_context({**environ, "wsgi.input": BytesIO()}):
            g.live = True
            yield

    def _blocks(self, view: View, names: Sequence[str]) -> dict[str, str]:
        context = view.feed.build(**(request.view_args or view.arguments))
        blocks = render_blocks(view.feed.template, names, context)
        for name in view.feed.rows.keys() & set(names):
            self._split(view, name, context, blocks)
        return blocks

    def _split(self, view: View, name: str, context: Any, blocks: dict[str, str]) -> None:
        """Replace a list region by those of its rows that changed, as long as the same rows stand in the same order."""
        block, items, variable = view.feed.rows[name]
        rows = {f"{block}-{item.id}": render_row(view.feed.template, block, context, {variable: item})
                for item in getattr(context, items)}
        order = f"{name} order"
        if view.sent.get(order) == " ".join(rows):
            del blocks[name]
            blocks.update(rows)
        else:
            view.sent.update(rows)
        view.sent[order] = " ".join(rows)

    def _render(self) -> None:
        while not self.stopping.is_set():
            self._bell.wait()
            self._bell.clear()
            self.stopping.wait(GATHER)
            events = [self._events.popleft() for _ in range(len(self._events))]
            with self._lock:
                views = list(self.views.values())
            for view in views:
                if names := view.due(events):
                    self._refresh(view, names)

    def _refresh(self, view: View, names: Sequence[str]) -> None:
        with view.lock:
            view.version += 1
            lines = list(view.lines)
            if not lines:
                return
            try:
                with self.acting(lines[0].environ):
                    blocks = self._blocks(view, names)
            except Exception as failure:  # one page that fails must not stop the others
                if not isinstance(failure, REFUSALS):
                    log.exception("live.render_failed", path=view.feed.path)
                view.sent.clear()
                for line in lines:  # each asks again as itself: rights may have changed for one of them only
                    line.recheck = line.everything = True
                    line.ring()
                return
            changed = {name: html for name, html in blocks.items() if view.sent.get(name) != html}
            view.sent.update(changed)
            if changed:
                for line in lines:
                    line.put(frames(changed))

    def _listen(self) -> None:
        """Hear Redis until told to stop; a broken connection is told to the readers and made anew."""
        self._attempt = 0
        while not self.stopping.is_set():
            try:
                self._subscribed()
            except (redis.RedisError, OSError) as error:
                if self.stopping.is_set():
                    return
                self._tell(live=False)
                log.warning("live.redis_lost", reason=str(error)[:200])
                self.stopping.wait(WAITS[min(self._attempt, len(WAITS) - 1)] * random.uniform(0.7, 1.3))
                self._attempt += 1

    def _subscribed(self) -> None:
        client = self._connect()
        client.set_retry(Retry(NoBackoff(), 0))  # a break must be noticed at once, and is ours to repair
        with client.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(CHANNEL)
            while not self.stopping.is_set():
                if self._hear(subscription.get_message(timeout=5)):
                    self._attempt = 0

    def _hear(self, message: Mapping[str, Any] | None) -> bool:
        """Take in one message; True when it says that the subscription stands (also anew after a break)."""
        if message is None:
            return False
        if message["type"] == "subscribe":
            self._tell(live=True)
            return True
        if message["type"] == "message":
            self._events.append(json.loads(message["data"]))
            self._bell.set()
        return False

    def _tell(self, *, live: bool) -> None:
        """Say whether the pages are live; after a break whatever was missed is repaired by sending everything."""
        with self._lock:
            views = list(self.views.values())
        for view in views:
            with view.lock:
                view.version += 1  # what was rendered before the break may be out of date
        lines = self._lines()
        for line in lines:
            line.everything = line.everything or live
        self.connected.set() if live else self.connected.clear()
        for line in lines:
            line.ring()

    def _lines(self) -> list[Line]:
        with self._lock:
            return [line for view in self.views.values() for line in view.lines]
