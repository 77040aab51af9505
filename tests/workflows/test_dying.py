"""Clocks that are killed with signal 9 in the middle of runs: every run goes on, and no finished step is repeated."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from app.core.db import session
from app.core.events import Event
from app.incidents.models import Note
from tests import build
from tests.workflows.stories import edges, hook, note, runs, when, workflow

NOTES, CALLS = ("b", "d", "f"), ("c", "e")


def killed(app, environment, url, times):
    """So many clocks die at work on runs of six steps; how many died, and how many lived."""
    build.incident(team=build.team("payments"))
    workflow("flow", {"id": "a", "kind": "condition", "when": when("incident.title", "exists")},
             *(note(name, f"{{{{ run.id }}}} {name}") for name in NOTES), *(hook(name, url) for name in CALLS),
             edges=edges("trigger>a", "a.then>b", "b>c", "c>d", "d>e", "e>f"), trigger="manual")
    session.remove()
    settings = environment(DATABASE_URL=app.config["DATABASE_URL"])
    done = subprocess.run([sys.executable, "-m", "tests.workflows.dying", json.dumps(settings), str(times)],
                          check=True, stdout=subprocess.PIPE, text=True)
    return [int(word) for word in done.stdout.split()[-2:]]


def resumed_without_repeating(calls):
    """Every run ended well; a note stands once, a step ended once, and a call came at most once a claim, none after its end."""
    found, steps = runs(), {}
    for run in found:
        assert run.state == "succeeded", [(step.node, step.state, step.error) for step in run.steps]
        steps |= {(run.id, step.node): step for step in run.steps}
    ended = [(one.data["run"], one.data["step"]) for one in session.query(Event).filter_by(kind="workflow.step_ended")]
    assert sorted(ended) == sorted(steps)
    written = [one.body for one in session.query(Note)]
    assert sorted(written) == sorted(f"{run.id} {name}" for run in found for name in NOTES)
    for (_, node), step in steps.items():
        mine = [call for call in calls if node in CALLS and call.headers["idempotency-key"] == step.request["headers"]["Idempotency-Key"]]
        assert len(mine) <= step.visits and all(call.at <= step.ended_at.timestamp() for call in mine)
        assert node not in CALLS or mine


def test_a_run_that_is_killed_in_its_middle_goes_on(app, environment, http_sink):
    """WF-11: signal 9 at random instants; two hundred times on each database in `make soak`."""
    died, _ = killed(app, environment, http_sink.url, 15)
    assert died == 15
    resumed_without_repeating(http_sink.calls)


@pytest.mark.soak
@pytest.mark.both_databases
def test_two_hundred_kills_repeat_no_finished_step(app, environment, http_sink):
    """WF-11: the same, and what it comes to."""
    died, lives = killed(app, environment, http_sink.url, 200)
    assert died == 200
    resumed_without_repeating(http_sink.calls)
    print(f"{len(runs())} runs, {lives} clocks, {died} killed at work, {len(http_sink.calls)} calls")
