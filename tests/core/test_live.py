"""Live pages: what an open page is sent, when, on whose behalf, and when its socket ends."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from simple_websocket import Client, ConnectionError

from app.core import hub as hub_module
from app.core import limits, live
from app.core.feed import QUEUE, Line, View
from tests.core.live_world import (
    WAIT,
    Item,
    Person,
    World,
    ending,
    hear,
    start_redis,
)


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


def test_viewers_with_equal_rights_share_a_render_and_others_get_their_own(world: World) -> None:
    """QUAL-07"""
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
    """HRD-08, each written down once a minute (`limits.note_refusals`)."""
    assert refused(lambda: world.open(Origin="https://evil.example.com")) == 403
    assert refused(lambda: world.open(Origin="null")) == 403
    assert "triggered" in hear(world.open(Origin="https://oncall.example.com"))


def test_a_token_in_the_address_opens_no_socket_even_beside_a_login(world: World) -> None:
    """HRD-08: addresses stand in logs."""
    assert refused(lambda: world.open(path="/live/incidents/42?token=oc_secret")) == 403


def test_above_the_cap_the_page_is_told_to_poll(world: World) -> None:
    clients = [world.open() for _ in range(4)]
    for client in clients:
        hear(client)
    assert refused(world.open) == 503


@pytest.mark.parametrize("watched", [False, True])
def test_a_page_one_may_not_see_opens_no_socket(world: World, watched: bool) -> None:
    """HRD-08: refused before the upgrade, whether or not others are looking at it."""
    world.hidden_from.add("search")
    if watched:
        hear(world.open("ana"))
    assert refused(lambda: world.open("charlie")) == 403


def test_losing_the_right_empties_the_page_at_the_next_event(world: World) -> None:
    """IPG-28."""
    client = world.open("charlie")
    hear(client)
    world.hidden_from.add("search")
    world.publish()
    assert "innerHTML" in hear(client)
    assert ending(client) == live.POLICY


def test_a_deactivated_person_loses_the_socket_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """IPG-28, HRD-07."""
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
    """HRD-09, IPG-29, and what happened is counted for the log."""
    client = world.open()
    hear(client)
    for _ in range(limits.WARN_AT):
        client.send("x")
    assert "warning" in json.loads(hear(client))
    for _ in range(limits.CLOSE_AT - limits.WARN_AT):
        client.send("x")
    assert ending(client) == live.POLICY
    assert refused(world.open) == 429 and refused(world.open) == 429
    assert world.redis is not None
    [key] = world.redis.keys("oncall:refused:*")
    assert world.redis.hgetall(key) == {b"live|user:ana": b"1", b"too many messages before|ip:127.0.0.1": b"2"}


def test_no_second_socket_escapes_the_count(world: World) -> None:
    """HRD-09: 60 messages each on two sockets are 120."""
    clients = [world.open(), world.open()]
    for client in clients:
        hear(client)
        for _ in range(60):
            client.send("x")
    assert ending(clients[1]) == live.POLICY


def test_without_redis_the_page_says_so_and_is_repaired_when_it_returns(
        world: World, server: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """IPG-27."""
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
    """HRD-36: with 1001; htmx's client then waits a random while."""
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
