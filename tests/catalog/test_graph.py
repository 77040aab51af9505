"""The graph: what is near, where it is drawn, and that no road ever closes a circle."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.catalog import graph, rules
from app.catalog.dependencies import add_dependency, set_dependencies
from app.catalog.queries import service_by_key
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Conflict
from app.identity.models import Team, User
from tests import build

EDGES = {1: {2}, 2: {3}, 4: {2}}  # 1 → 2 → 3 and 4 → 2


def chain(team: Team, *keys: str) -> None:
    """Services of which each depends on the next."""
    for key in keys:
        build.service(key, team=team)
    with transaction():
        set_dependencies({one: [two] for one, two in zip(keys, keys[1:], strict=False)}, by=OPERATOR)


def test_each_service_is_near_once_with_its_shortest_distance_and_siblings_are_not():
    """CAT-16"""
    assert rules.distances(EDGES, 1) == {2: 1, 3: 2}
    assert rules.distances(rules.reversed_edges(EDGES), 3) == {2: 1, 1: 2, 4: 2}
    assert rules.distances(EDGES, 1, 1) == {2: 1}
    assert rules.distances({1: {2, 3}, 2: {3}}, 1) == {2: 1, 3: 1}


@pytest.mark.parametrize("seed", range(50))
def test_every_arrow_points_to_the_right_and_no_two_boxes_overlap(seed: int):
    chance, edges = random.Random(seed), dict[int, set[int]]()
    for _ in range(seed):
        low, high = sorted(chance.sample(range(16), 2))
        edges.setdefault(low, set()).add(high)
    drawing = graph.lay_out(range(16), edges)
    assert len({(box.x, box.y) for box in drawing.boxes.values()}) == 16
    assert all(drawing.boxes[arrow.start].x < drawing.boxes[arrow.end].x for arrow in drawing.arrows)
    assert len(drawing.arrows) == sum(len(out) for out in edges.values())
    assert max(box.x for box in drawing.boxes.values()) + graph.WIDTH <= drawing.width


def test_on_random_sequences_the_graph_never_has_a_circle_and_no_refusal_was_for_nothing():
    """CAT-14"""
    for seed in range(200):
        chance, edges = random.Random(seed), {}
        for _ in range(60):
            here, there = chance.sample(range(12), 2)
            wanted = {**edges, here: {*edges.get(here, ()), there}}
            refused = bool(rules.cycle(edges, here, there))
            assert refused == rules.circular(wanted)
            edges = edges if refused else wanted


def test_an_edge_that_closes_a_circle_is_refused_in_words_and_a_shortcut_is_not(payments: Team):
    """CAT-13"""
    chain(payments, "a", "b", "c")
    a, b, c = (service_by_key(key) for key in "abc")
    for here, there, path in ((c, a, "c → a → b → c"), (b, a, "b → a → b"), (a, a, "a → a")):
        with pytest.raises(Conflict, match=path), transaction():
            add_dependency(here, there, by=OPERATOR)
    with transaction():
        assert add_dependency(a, c, by=OPERATOR) is True


def test_machines_add_an_edge_once_and_take_it_away_twice(client: FlaskClient, token: Callable[..., dict[str, str]],
                                                         ana: User, payments: Team):
    """CAT-12"""
    chain(payments, "a", "b")
    build.service("c", team=payments)
    headers = token(ana)
    path = "/api/v1/services/a/dependencies/c"
    assert [client.put(path, headers=headers).status_code for _ in range(2)] == [201, 200]
    listed = client.get("/api/v1/services/b/dependents", headers=headers).json["items"]
    assert [(one["key"], one["distance"]) for one in listed] == [("a", 1)]
    assert [client.delete(path, headers=headers).status_code for _ in range(2)] == [204, 204]
    assert client.put("/api/v1/services/b/dependencies/a", headers=headers).status_code == 409


def test_machines_of_another_team_change_no_edge(client: FlaskClient, token: Callable[..., dict[str, str]], bob: User,
                                                 payments: Team):
    build.team("shop", manager=bob)
    chain(payments, "a", "b")
    assert client.put("/api/v1/services/b/dependencies/a", headers=token(bob)).status_code == 403


def test_transitive_goes_all_the_way(client: FlaskClient, token: Callable[..., dict[str, str]], ana: User, payments: Team):
    """CAT-16"""
    chain(payments, "a", "b", "c", "d")
    found = client.get("/api/v1/services/a/dependencies?transitive=true", headers=token(ana)).json["items"]
    assert [(one["key"], one["distance"]) for one in found] == [("b", 1), ("c", 2), ("d", 3)]


def test_the_drawing_and_the_table_tell_the_same_and_strangers_see_nothing_of_private_teams(
        ana: User, payments: Team, signed_in: Callable[[User], FlaskClient]):
    """CAT-17, CAT-31, CAT-32"""
    chain(payments, "a", "b")
    with transaction():
        session.merge(service_by_key("b")).name = "<b>مرحبا</b>" + "x" * 80
    secret = build.service("secret", team=build.team("hidden", private=True))
    with transaction():
        add_dependency(secret, service_by_key("a"), by=OPERATOR)
    page = signed_in(ana).get("/services/-/graph").text
    assert page.count("marker-end") == 1 and "Secret<" not in page and "<b>مرحبا" not in page
    assert len(re.findall(r'<tr role="row">', page)) - 1 == 2
    assert "Secret<" not in signed_in(ana).get("/services/a/graph").text


def test_a_large_graph_is_cut_with_its_number_and_drawn_soon(ana: User, payments: Team,
                                                            signed_in: Callable[[User], FlaskClient]):
    """CAT-17: 200 boxes; the rest has a number."""
    chain(payments, *(f"s{at:03}" for at in range(1, 238)))
    browser = signed_in(ana)
    began = time.process_time()
    page = browser.get("/services/-/graph").text
    assert time.process_time() - began < 3  # ten times the target, so that only a wrong order of growth fails
    assert page.count('class="node') == 200 and "And 37 more services" in page
