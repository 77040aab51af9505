"""How runs move: the table, pair by pair."""

from __future__ import annotations

from itertools import product

import pytest

from app.core.db import session, transaction
from app.workflows import rules, running
from tests.workflows.stories import runs, workflow

STATES = ("running", "waiting", "succeeded", "failed", "timed_out", "cancelled", "refused")
MOVES = {("running", to) for to in STATES[1:6]} | {("waiting", to) for to in ("running", "failed", "timed_out", "cancelled")}


def test_a_run_goes_only_where_the_table_says():
    """All pairs; what has ended stays so."""
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
