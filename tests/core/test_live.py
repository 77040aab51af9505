"""Live pages: what an open page is sent, when, on whose behalf, and when its socket ends."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask, request
from flask_login import LoginManager, UserMixin, current_user
from flask_sock import Sock
from jinja2 import DictLoader
from simple_websocket import Client, ConnectionClosed, ConnectionError
from werkzeug.serving import make_server

from app.core import hub as hub_module
from app.core import live, pages
from app.core.errors import Forbidden
from app.core.feed import QUEUE, Line, View

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


def test_on_connect_the_page_is_sent_whole_as_partials_that_are_morphed(world: World) -> None:
    whole = hear(world.open())
    assert '<hx-partial hx-target="#summary" hx-swap="outerMorph"><p id="summary">42 triggered' in whole
    assert '<hx-partial hx-target="#rows" hx-swap="outerMorph"><ul id="rows">' in whole


def test_an_event_refreshes_the_regions_of_its_kind_and_no_other(world: World) -> None:
    client = world.open()
    hear(client)
    world.state = "acknowledged"
    world.publish()
    told = hear(client)
    assert "42 acknowledged" in told and "#rows" not in told


def test_events_of_other_subjects_and_kinds_change_nothing_here(world: World) -> None:
    client = world.open()
    hear(client)
    world.built.clear()
    world.publish("incident:7")
    world.publish(kind="schedule.changed")
    world.state = "resolved"
    world.publish()
    assert "42 resolved" in hear(client)
    assert len(world.built) == 1


def test_a_burst_of_events_costs_one_render(world: World) -> None:
    client = world.open()
    hear(client)
    world.built.clear()
    world.state = "resolved"
    for _ in range(50):
        world.publish()
    assert "42 resolved" in hear(client)
    assert len(world.built) <= 2  # the burst may straddle the edge of one window


def test_viewers_with_equal_rights_share_a_render_and_others_get_their_own(world: World) -> None:
    clients = [world.open("ana"), world.open("bob"), world.open("charlie")]
    for client in clients:
        hear(client)
    world.built.clear()
    world.state = "resolved"
    world.publish()
    assert all("42 resolved" in hear(client) for client in clients)
    assert {world.people[name].team for name, _ in world.built} == {"payments", "search"} and len(world.built) == 2


def test_the_query_string_belongs_to_the_view(world: World) -> None:
    hear(world.open(path="/live/incidents/42?kind=notes"))
    assert world.built[-1] == ("ana", "/incidents/42?kind=notes")


def test_no_token_of_a_person_is_in_what_viewers_share(world: World) -> None:
    assert "<i></i>" in (whole := hear(world.open())) and "secret" not in whole


def test_of_a_list_only_the_row_that_changed_is_sent(world: World) -> None:
    client = world.open()
    hear(client)
    world.publish(kind="list.changed")
    assert "#rows" in hear(client)
    world.items[1] = Item(2, "changed")
    world.publish(kind="item.changed")
    assert hear(client) == '<hx-partial hx-target="#row-2" hx-swap="outerMorph"><li id="row-2">changed</li></hx-partial>'


def test_a_new_row_brings_the_list_anew(world: World) -> None:
    client = world.open()
    hear(client)
    world.items.insert(0, Item(3, "three"))
    world.publish(kind="item.opened")
    assert 'hx-target="#rows"' in (told := hear(client)) and "three" in told


def refused(attempt: Callable[[], Client]) -> int:
    with pytest.raises(ConnectionError) as failure:
        attempt()
    return int(failure.value.status_code)


def test_nobody_without_a_login_gets_a_socket(world: World) -> None:
    assert refused(lambda: world.open("mallory")) == 401


def test_another_site_gets_no_socket_and_our_own_does(world: World) -> None:
    assert refused(lambda: world.open(Origin="https://evil.example.com")) == 403
    assert "triggered" in hear(world.open(Origin="https://oncall.example.com"))


def test_above_the_cap_the_page_is_told_to_poll(world: World) -> None:
    clients = [world.open() for _ in range(4)]
    for client in clients:
        hear(client)
    assert refused(world.open) == 503


def test_a_page_one_may_not_see_is_emptied_and_closed(world: World) -> None:
    world.hidden_from.add("search")
    client = world.open("charlie")
    assert hear(client) == ('<hx-partial hx-target="#summary" hx-swap="innerHTML"></hx-partial>'
                            '<hx-partial hx-target="#rows" hx-swap="innerHTML"></hx-partial>')
    assert ending(client) == live.POLICY


def test_losing_the_right_empties_the_page_at_the_next_event(world: World) -> None:
    client = world.open("charlie")
    hear(client)
    world.hidden_from.add("search")
    world.publish()
    assert "innerHTML" in hear(client)
    assert ending(client) == live.POLICY


def test_a_deactivated_person_loses_the_socket_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RECHECK", 0.1)
    client = world.open("bob")
    hear(client)
    del world.people["bob"]
    assert ending(client) == live.POLICY


def test_a_change_of_rights_shows_the_new_view(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RECHECK", 0.1)
    client = world.open("bob")
    hear(client)
    world.people["bob"] = Person("bob", "search")
    assert "triggered" in hear(client)


def test_a_client_that_talks_too_much_is_warned_then_closed_then_refused(world: World) -> None:
    client = world.open()
    hear(client)
    for _ in range(live.WARN_AT):
        client.send("x")
    assert "warning" in json.loads(hear(client))
    for _ in range(live.CLOSE_AT - live.WARN_AT):
        client.send("x")
    assert ending(client) == live.POLICY
    assert refused(world.open) == 429


def test_the_count_survives_a_reconnect_and_ends_after_a_minute() -> None:
    meter = live.Meter()
    assert [meter.count("ana", at=0.0) for _ in range(100)][-1] == 100
    assert not meter.refuses("ana", at=30.0)
    assert meter.count("ana", at=59.0) == live.CLOSE_AT
    assert meter.refuses("ana", at=60.0) and not meter.refuses("bob", at=60.0)
    assert not meter.refuses("ana", at=120.0)
    assert meter.count("ana", at=121.0) == 1


def test_without_redis_the_page_says_so_and_is_repaired_when_it_returns(
        world: World, server: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "WAITS", (0.1,))
    client = world.open()
    hear(client)
    server[0].kill()
    server[0].wait()
    assert json.loads(hear(client)) == {"live": False}
    world.state = "resolved"
    server[0] = start_redis(server[1])
    assert json.loads(hear(client)) == {"live": True}
    assert "42 resolved" in hear(client)


def test_at_shutdown_every_socket_is_told_to_come_back(world: World) -> None:
    client = world.open()
    hear(client)
    assert world.live is not None
    world.live.hub.stop()
    assert ending(client) == live.GOING_AWAY


def test_a_socket_too_far_behind_is_sent_everything_instead() -> None:
    rung: list[int] = []
    line = Line({}, lambda: rung.append(1), everything=False)
    for number in range(QUEUE):
        line.put(str(number))
    assert len(line.frames) == QUEUE and not line.everything
    line.put("one too many")
    assert line.everything and not line.frames and len(rung) == QUEUE + 1


def test_a_view_knows_which_regions_an_event_changes() -> None:
    feed = live.Feed("/", "x.html", dict, ("team:{id}",), {"a": "x.*", "b": "y.made z.*", "c": "*"})
    due = View(feed, {"id": 3}).due
    assert due([{"topics": ["team:3"], "kinds": ["y.made"]}]) == ["b", "c"]
    assert due([{"topics": ["team:33"], "kinds": ["x.made"]}]) == []
    assert View(live.Feed("/", "x.html", dict, ("*",), {"a": "x.*"}), {}).due([{"topics": [], "kinds": ["x.y"]}]) == ["a"]


def test_a_write_is_whole_however_slowly_it_is_read() -> None:
    near, far = socket.socketpair()
    sent = bytes(4_000_000)
    writer = threading.Thread(target=lambda: live.WholeWrites(near).send(sent))
    writer.start()
    received = 0
    while received < len(sent):
        received += len(far.recv(65536))
    writer.join(WAIT)
    assert received == len(sent) and not writer.is_alive()
    near.close()
    far.close()
