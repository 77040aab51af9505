"""A small application with one live page, its readers and its Redis, for the tests of live pages."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask, request
from flask_login import LoginManager, UserMixin, current_user
from flask_sock import Sock
from jinja2 import DictLoader
from simple_websocket import Client, ConnectionClosed
from werkzeug.serving import make_server

from app.core import live, pages
from app.core.errors import Forbidden

PAGE = """{% block title %}{% endblock %}{% block summary %}<p {{ region("summary") }}>{{ number }} {{ state }}{{ ui.csrf() }}</p>
{% endblock %}{% block rows %}<ul {{ region("rows") }}>{% for item in items %}{% block row scoped %}
<li {{ region("row", item.id) }}>{{ item.title }}</li>{% endblock %}{% endfor %}</ul>{% endblock %}"""
WAIT = 5  # seconds until a test gives up


class Browser(Client):  # type: ignore[misc]
    """A client that also sees a message that came in one packet with the handshake."""

    def handshake(self) -> None:
        super().handshake()
        self.connected = self._handle_events()


@dataclass
class Item:
    id: int
    title: str


@dataclass
class Incident:
    number: int
    state: str
    items: list[Item]


class Person(UserMixin):  # type: ignore[misc]
    def __init__(self, name: str, team: str) -> None:
        self.id, self.team = name, team


@dataclass
class World:
    """The state that pages show, who is there, and how often a page was built for whom."""

    state: str = "triggered"
    items: list[Item] = field(default_factory=lambda: [Item(1, "one"), Item(2, "two")])
    people: dict[str, Person] = field(default_factory=lambda: {
        name: Person(name, team) for name, team in [("ana", "payments"), ("bob", "payments"), ("charlie", "search")]})
    hidden_from: set[str] = field(default_factory=set)
    built: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    redis: redis.Redis | None = None
    live: live.Live | None = None
    clients: list[Client] = field(default_factory=list)

    def incident(self, id: int) -> Incident:
        if current_user.team in self.hidden_from:
            raise Forbidden("Not your team")
        self.built.append((current_user.id, request.full_path))
        return Incident(id, self.state, list(self.items))

    def open(self, name: str = "ana", path: str = "/live/incidents/42", **headers: str) -> Client:
        self.clients.append(Browser(f"ws://127.0.0.1:{self.port}{path}", headers={"X-User": name, **headers}))
        return self.clients[-1]

    def publish(self, topic: str = "incident:42", kind: str = "incident.acknowledged") -> None:
        assert self.redis is not None
        live.publish(self.redis, [topic], [kind])


def start_redis(folder: Path) -> subprocess.Popen[bytes]:
    path = folder / "redis.sock"
    process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"],
                               stdout=subprocess.PIPE, cwd=folder)
    assert process.stdout is not None
    for line in process.stdout:
        if b"ready to accept connections" in line or b"Ready to accept connections" in line:
            break
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return process


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    folder = tmp_path_factory.mktemp("r")
    running: list[Any] = [start_redis(folder), folder]
    yield running
    running[0].kill()
    running[0].wait()


@pytest.fixture
def world(server: list[Any]) -> Iterator[World]:
    world = World()
    world.redis = redis.Redis(unix_socket_path=str(server[1] / "redis.sock"))
    app = Flask("live")
    app.secret_key = "test"
    app.jinja_env.loader = DictLoader({"incident.html": PAGE, "ui/forms.html": "{% macro csrf() %}<i>{{ form_token() }}</i>{% endmacro %}"})
    app.jinja_env.globals["csrf_token"] = lambda: "secret-of-one-person"
    app.config.update(BASE_URL="https://oncall.example.com", LIVE_MAX_SOCKETS="4")
    app.extensions["redis"] = world.redis
    login = LoginManager(app)
    login.request_loader(lambda asked: world.people.get(asked.headers.get("X-User", "")))
    pages.install(app, pages.Shell())
    app.add_url_rule("/incidents/<int:id>", "incident", lambda id: pages.page("incident.html", world.incident(id)))
    feed = live.Feed("/incidents/<int:id>", "incident.html", world.incident, ("incident:{id}",),
                     {"summary": "incident.*", "rows": "item.* list.*"}, rows={"rows": ("row", "items", "item")})
    world.live = live.mount(app, Sock(app), [feed], connect=lambda: redis.Redis(unix_socket_path=str(server[1] / "redis.sock")),
                            rights=lambda user: str(user.team))
    http = make_server("127.0.0.1", 0, app, threaded=True)
    world.port = http.server_port
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield world
    world.live.hub.stop()
    http.shutdown()
    for client in world.clients:
        client.thread.join(WAIT)


def hear(client: Client) -> str:
    told = client.receive(timeout=WAIT)
    assert told is not None, "nothing came"
    return str(told)


def ending(client: Client) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        while client.receive(timeout=WAIT) is not None:
            pass
    return int(closed.value.reason)
