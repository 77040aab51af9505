"""Counts over runs: how many, how well, how long, and where they fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.workflows import queries
from app.workflows.models import WorkflowRun, WorkflowStep
from app.workflows.rules import REFUSED, percentile

DAYS, MOST_DAYS, WORST = 30, 365, 5
GOOD, BAD = "succeeded", ("failed", "timed_out")


@dataclass(frozen=True)
class Figures:
    """Of the runs that began within so many days: `share` is 0 to 1 of those that ended well or badly; seconds."""

    days: int
    runs: int
    good: int
    bad: int
    going: int
    median: float | None
    p95: float | None
    failing: list[tuple[str, int]]

    @property
    def share(self) -> float | None:
        """How many of those that ended by themselves ended well."""
        return self.good / (self.good + self.bad) if self.good + self.bad else None


def figures(workflow_id: int, days: int = DAYS) -> Figures:
    """The figures of one workflow."""
    start = clock.now() - timedelta(days=days)
    rows = session.execute(select(WorkflowRun.state, WorkflowRun.started_at, WorkflowRun.ended_at).where(
        WorkflowRun.workflow_id == workflow_id, WorkflowRun.started_at >= start, WorkflowRun.state != REFUSED)).all()
    states = Counter(state for state, _, _ in rows)
    took = [(ended - began).total_seconds() for state, began, ended in rows if ended is not None and state == GOOD]
    failing = session.execute(select(WorkflowStep.node, func.count()).join(WorkflowRun).where(
        WorkflowRun.workflow_id == workflow_id, WorkflowRun.started_at >= start, WorkflowStep.state == "failed").group_by(
        WorkflowStep.node).order_by(func.count().desc(), WorkflowStep.node).limit(WORST))
    return Figures(days, len(rows), states[GOOD], sum(states[state] for state in BAD),
                   sum(ended is None for _, _, ended in rows), percentile(took, .5), percentile(took, .95),
                   [(node, count) for node, count in failing])


@dataclass(frozen=True)
class Line:
    """The figures of one workflow in the list."""

    runs: int = 0
    good: int = 0
    bad: int = 0


def lines(workflow_ids: Iterable[int]) -> dict[int, Line]:
    """Runs of the last 30 days by workflow."""
    start = clock.now() - timedelta(days=DAYS)
    rows = session.execute(select(WorkflowRun.workflow_id, WorkflowRun.state, func.count()).where(
        WorkflowRun.workflow_id.in_(list(workflow_ids)), WorkflowRun.started_at >= start,
        WorkflowRun.state != REFUSED).group_by(WorkflowRun.workflow_id, WorkflowRun.state))
    found: dict[int, Counter[str]] = {}
    for key, state, count in rows:
        found.setdefault(key, Counter())[state] += count
    return {key: Line(sum(states.values()), states[GOOD], sum(states[bad] for bad in BAD)) for key, states in found.items()}


def last_failures(workflow_ids: Iterable[int], by: Actor) -> dict[int, WorkflowRun]:
    """The last run of each that failed, of those that this person may see."""
    newest = queries.seen_runs(select(func.max(WorkflowRun.id)).where(
        WorkflowRun.workflow_id.in_(list(workflow_ids)), WorkflowRun.state.in_(BAD)), by).group_by(WorkflowRun.workflow_id)
    return {run.workflow_id: run for run in session.scalars(select(WorkflowRun).where(WorkflowRun.id.in_(newest)))}
