"""Live pages: a WebSocket per open page at /live/<page>, and the one function that publishes what changed."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import redis
from flask import Flask, Response, request, session
from flask_login import current_user
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from app.core import limits
from app.core.db import session as database
from app.core.feed import Feed, Line, View, emptied
from app.core.hub import CHANNEL, REFUSALS, Hub
from app.core.metrics import sockets
from app.core.reading import host_of
from app.core.redis import connect as redis_of

__all__ = ["CHANNEL", "Feed", "Hub", "mount", "publish"]

RECHECK = 30.0  # seconds until a login and its rights are looked at again
STALLED = 10  # seconds a write may hang before the socket is given up
TOKENS = {"token", "access_token", "api_key"}  # what must never stand in an address, where logs keep it
WAIT = {429: str(limits.WINDOW), 503: "15"}  # seconds
POLICY, GOING_AWAY = 1008, 1001  # RFC 6455, 7.4.1


def publish(client: redis.Redis, topics: Iterable[str], kinds: Iterable[str]) -> None:
    """Tell all live pages that something of `kinds` happened to `topics` (`incident:42`). Ids only, never content."""
    client.publish(CHANNEL, json.dumps({"topics": sorted(topics), "kinds": sorted(kinds)}))


@dataclass
class Live:
    """What every feed of an application shares. `rights(user)` is equal for two people exactly when they see alike."""

    hub: Hub
    rights: Callable[[Any], str]
    still_valid: Callable[[Mapping[str, Any]], bool]
    meter: limits.Meter
    open: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refusal(self, app: Flask, feed: Feed, arguments: dict[str, Any]) -> tuple[int, str]:
        """The status with which a handshake is refused before it becomes a socket, and why; (0, "") when it may."""
        origin = request.headers.get("Origin")
        if origin is not None and host_of(origin) not in (host_of(app.config.get("BASE_URL", "")), request.host):
            return 403, "another site asked"
        if TOKENS & request.args.keys():
            return 403, "a token stood in the address"
        with self.hub.acting(page_environ()):
            if not (current_user.is_authenticated and self.still_valid(session)):
                return 401, "nobody was signed in"
            if self.meter.refuses(str(current_user.get_id()), time.time()):
                return 429, "too many messages before"
            if self.open >= int(app.config.get("LIVE_MAX_SOCKETS", 48)):
                return 503, ""
            return (0, "") if self._may_see(feed, arguments) else (403, "the page is not theirs")

    def _may_see(self, feed: Feed, arguments: dict[str, Any]) -> bool:
        """Whether the viewer may see the page; not asked again where somebody who sees the same is looking."""
        if self._key(request.environ, feed, arguments) in self.hub.views:
            return True
        try:
            feed.build(**(request.view_args or arguments))
        except REFUSALS:
            return False
        return True

    def _key(self, environ: Mapping[str, Any], feed: Feed, arguments: dict[str, Any]) -> tuple[str, ...]:
        """What all who share a render have in common."""
        apart = str(current_user.get_id()) if feed.personal else feed.apart(**arguments) if feed.apart else ""
        return environ["PATH_INFO"], environ.get("QUERY_STRING", ""), self.rights(current_user), apart

    def seat(self, line: Line, feed: Feed, arguments: dict[str, Any]) -> str:
        """Let `line` watch what its viewer may see now; the login it belongs to, or "" when that has ended."""
        with self.hub.acting(line.environ):
            if not (current_user.is_authenticated and self.still_valid(session)):
                return ""
            login, key = str(current_user.get_id()), self._key(line.environ, feed, arguments)
        if key != line.key:
            self.hub.join(line, key, lambda: View(feed, arguments))
        return login


def mount(app: Flask, sock: Sock, feeds: Sequence[Feed], *, connect: Callable[[], redis.Redis] | None = None,
          rights: Callable[[Any], str] = lambda user: str(user.get_id()),
          still_valid: Callable[[Mapping[str, Any]], bool] = lambda _session: True) -> Live:
    """Register `/live<path>` for each feed.

    `rights(user)` is equal for two people exactly when they see alike (by default nobody does): they share renders.
    `still_valid(session)` says whether a login still stands; both are asked at the handshake and every 30 s.
    `connect` makes a Redis client of the hub's own to subscribe with.
    """
    app.config.setdefault("SOCK_SERVER_OPTIONS", {"ping_interval": 25, "max_message_size": 16 * 1024})
    meter = limits.Meter(connect or (lambda: redis_of(app.config, patience=0.05)))
    sockets()  # none so far, which is a figure, too
    live = Live(Hub(app, connect or (lambda: redis_of(app.config))), rights, still_valid, meter)
    app.extensions["live"] = live
    app.extensions["live_paths"] = frozenset(feed.path for feed in feeds)
    for feed in feeds:
        endpoint = f"live {feed.path}"
        sock.route(f"/live{feed.path}", endpoint=endpoint)(_handler(live, feed))
        app.view_functions[endpoint] = _gate(app, live, feed, app.view_functions[endpoint])
    return live


def page_environ() -> dict[str, Any]:
    """The WSGI environment of the page behind the present /live request, as a plain GET of its viewer."""
    kept = {key: value for key, value in request.environ.items() if isinstance(value, str | tuple)}
    for name in [name for name in kept if name in ("HTTP_UPGRADE", "HTTP_CONNECTION") or name.startswith("HTTP_SEC_WEB")]:
        del kept[name]
    return kept | {"REQUEST_METHOD": "GET", "PATH_INFO": request.path.removeprefix("/live"), "CONTENT_LENGTH": "0"}


def _gate(app: Flask, live: Live, feed: Feed, view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse with a status before the handshake, while that is still possible."""
    @wraps(view)
    def gated(**arguments: Any) -> Any:
        status, reason = live.refusal(app, feed, arguments)
        database.remove()  # a socket outlives a request by hours and must not hold a connection
        if reason:
            limits.note(reason, f"ip:{request.remote_addr}")
        if status:
            return Response(status=status, headers={"Retry-After": WAIT[status]} if status in WAIT else None)
        with live.lock:
            live.open += 1
            sockets().inc()
        try:
            return view(**arguments)
        finally:
            with live.lock:
                live.open -= 1
                sockets().dec()
    gated.access = "public"  # type: ignore[attr-defined]  # the gate itself asks who it is
    return gated


def _handler(live: Live, feed: Feed) -> Callable[..., None]:
    def handle(ws: Server, **arguments: Any) -> None:
        ws.sock = WholeWrites(ws.sock)
        line = Line(page_environ(), ws.event.set)
        try:
            _serve(live, feed, line, _Socket(ws, arguments))
        except (OSError, ConnectionClosed):
            pass  # the browser went away, or stalled: it comes back and is sent everything
        finally:
            live.hub.leave(line)
    return handle


@dataclass
class _Socket:
    """What the route's own loop keeps of its socket."""

    ws: Server
    arguments: dict[str, Any]
    login: str = ""
    check_at: float = 0.0
    told_live: bool = True


def _serve(live: Live, feed: Feed, line: Line, socket_: _Socket) -> None:
    """The life of one socket: wait for the bell, then check, listen and write. Nobody else writes to it."""
    ws = socket_.ws
    while ws.connected:
        if live.hub.stopping.is_set():
            ws.close(GOING_AWAY)
            return
        if line.recheck or time.monotonic() >= socket_.check_at:
            line.recheck = False
            socket_.check_at = time.monotonic() + RECHECK * random.uniform(0.7, 1)
            first, socket_.login = not socket_.login, live.seat(line, feed, socket_.arguments)
            if first:
                live.hub.connected.wait(2)
        if not socket_.login or not _write(live, feed, line, socket_) or not _listen(live, socket_):
            ws.close(POLICY)
            return
        ws.event.wait(max(0.0, socket_.check_at - time.monotonic()))
        ws.event.clear()


def _write(live: Live, feed: Feed, line: Line, socket_: _Socket) -> bool:
    """Send what waits; False when the viewer may no longer see the page (its regions are emptied first)."""
    if live.hub.connected.is_set() != socket_.told_live:
        socket_.told_live = not socket_.told_live
        socket_.ws.send(json.dumps({"live": socket_.told_live}))
    try:
        whole = live.hub.everything(line) if line.everything else ""
    except REFUSALS:
        socket_.ws.send(emptied(list(feed.regions)))
        return False
    if whole:
        socket_.ws.send(whole)
    while line.frames:
        socket_.ws.send(line.frames.popleft())
    return True


def _listen(live: Live, socket_: _Socket) -> bool:
    """Count what the client says (pages say nothing); False when it says too much."""
    while socket_.ws.input_buffer:  # not receive(): it would swallow the bell
        socket_.ws.input_buffer.pop(0)
        count = live.meter.count(socket_.login, time.time())
        if count >= limits.CLOSE_AT:
            limits.note("live", f"user:{socket_.login}")
            return False
        if count == limits.WARN_AT:
            socket_.ws.send(json.dumps({"warning": f"This page sends too much: {count} messages in a minute."}))
    return True


class WholeWrites:
    """A socket whose `send` sends all of it, one writer at a time, and gives up on a client that takes nothing."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped
        self._lock = threading.Lock()
        wrapped.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALLED, 0))

    def send(self, data: bytes) -> int:
        """Send all of `data`. Raises OSError when the other side takes nothing for `STALLED` seconds."""
        with self._lock:
            self._wrapped.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)
