"""Keys, moves of the lifecycle, and cycles."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from app.catalog import rules


@pytest.mark.parametrize("key", ["a", "A1", "pay_ments-2", "x" * 100])
def test_a_key_of_letters_digits_hyphens_and_underscores_is_taken(key: str) -> None:
    assert rules.check_service_key(key) == key


@pytest.mark.parametrize("key", ["", "-a", "a b", "ä", "a" * 101, "a/b", None, 7])
def test_any_other_key_is_refused_naming_the_rule(key: object) -> None:
    with pytest.raises(ValueError, match="starts with a letter or digit"):
        rules.check_service_key(key)


def test_an_archived_service_can_only_become_active() -> None:
    assert rules.check_move("archived", "active") == "active"
    with pytest.raises(ValueError, match="archived cannot become deprecated"):
        rules.check_move("archived", "deprecated")


def test_a_cycle_is_named_from_end_to_end_and_a_shortcut_is_none() -> None:
    edges = {1: [2], 2: [3]}
    assert rules.cycle(edges, 3, 1) == [3, 1, 2, 3]
    assert rules.cycle(edges, 2, 1) == [2, 1, 2]
    assert rules.cycle(edges, 1, 1) == [1, 1]
    assert rules.cycle(edges, 1, 3) == []


def test_whatever_the_order_of_edges_the_accepted_graph_has_no_cycle_and_each_refusal_closed_one() -> None:
    for seed in range(200):
        dice, edges = random.Random(seed), {node: set() for node in range(8)}
        for _ in range(40):
            one, other = dice.randrange(8), dice.randrange(8)
            closed = rules.cycle(edges, one, other)
            if closed:
                assert closed[0] == closed[-1] == one
                assert all(there in edges[here] for here, there in pairwise(closed[1:]))
            else:
                edges[one].add(other)
        assert all(not rules.path_between(edges, there, here) for here in edges for there in edges[here])


def test_each_service_is_reached_once_with_its_shortest_distance() -> None:
    assert rules.distances({1: [2, 3], 2: [3], 3: [4]}, 1) == {2: 1, 3: 1, 4: 2}
