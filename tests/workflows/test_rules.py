"""How runs move: the table, pair by pair."""

from __future__ import annotations

from itertools import product

import pytest

from app.core.db import session, transaction
from app.workflows import rules, running
from app.workflows.documents import graph_of
from tests.workflows.stories import edges, runs, workflow

STATES = ("running", "waiting", "succeeded", "failed", "timed_out", "cancelled", "refused")
MOVES = {("running", to) for to in STATES[1:6]} | {("waiting", to) for to in ("running", "failed", "timed_out", "cancelled")}


def test_a_run_goes_only_where_the_table_says():
    """QUAL-18: all pairs; what has ended stays so."""
    for one, other in product(STATES, STATES):
        if one == other or (one, other) in MOVES:
            assert rules.moved(one, other) == other
        else:
            with pytest.raises(AssertionError):
                rules.moved(one, other)


def test_no_command_moves_a_run_against_the_table(house, opens, go):
    """An end is the end, whoever asks."""
    workflow("flow", {"id": "wait", "kind": "delay", "for": "1s"})
    opens()
    go()
    with transaction():
        running.cancel(runs()[0], "cancelled")
    with pytest.raises(AssertionError, match="cancelled never becomes timed_out"), transaction():
        running.cancel(session.merge(runs()[0]), "timed_out")


def test_where_sides_meet_it_goes_on_as_far_in_as_before_they_parted():
    """The outline steps in at a branch, and out again."""
    graph = graph_of({"nodes": [{"id": one, "kind": "condition" if one in "ad" else "action"} for one in "abcdef"], "edges": edges(
        "trigger>a", "a.then>b", "a.else>c", "b>d", "c>d", "d.then>e", "e.error>f")})
    assert graph.levels() == {"trigger": 0, "a": 0, "b": 1, "c": 1, "d": 0, "e": 1, "f": 2}
