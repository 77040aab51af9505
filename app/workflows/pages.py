"""What the pages of workflows and runs show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.connections.queries import actions
from app.core.access import Actor
from app.core.db import session
from app.identity.models import Team
from app.identity.queries import may, may_anywhere
from app.workflows import figures, queries, words
from app.workflows.declared import VERBS
from app.workflows.documents import graph_of
from app.workflows.editing import differences
from app.workflows.figures import Figures, Line
from app.workflows.library import TEMPLATES, Template
from app.workflows.models import Workflow, WorkflowRun, WorkflowStep, WorkflowVersion
from app.workflows.picture import Picture, draw

RUNS = 25
CATEGORIES = ("Ticketing", "Communication", "Response", "Tidying")


def names() -> dict[str, str]:
    """What each action is called."""
    return {**{slug: verb.name for slug, verb in VERBS.items()}, **{slug: one.name for slug, one in actions().items()}}


@dataclass(frozen=True)
class ListRow:
    """A workflow in the list."""

    workflow: Workflow
    trigger: str
    line: Line
    failure: WorkflowRun | None

    @property
    def id(self) -> int:
        """The workflow's."""
        return self.workflow.id


@dataclass(frozen=True)
class IndexPage:
    """The workflows that the filters leave."""

    rows: list[ListRow]
    choices: Mapping[str, Sequence[tuple[str, str]]]
    filters: Mapping[str, str]
    may_add: bool


def index_page(by: Actor, args: Mapping[str, str]) -> IndexPage:
    """The list; `scope` is a team's key or `global`, `state` on, off or archived, `category` one of four."""
    filters = {name: args.get(name, "") for name in ("scope", "state", "category")}
    found = list(session.scalars(queries.filtered(by, filters)))
    ids = [one.id for one in found]
    lines, failures = figures.lines(ids), figures.last_failures(ids, by)
    every = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    teams = [(team.key, team.name) for team in every if may(by, "workflow.read", team_id=team.id)]
    choices = {"scope": [("global", "Everybody’s"), *teams], "category": [(name, name) for name in CATEGORIES],
               "state": [("on", "On"), ("off", "Off"), ("archived", "Archived")]}
    rows = [ListRow(one, words.trigger(one.trigger), lines.get(one.id, Line()), failures.get(one.id)) for one in found]
    return IndexPage(rows, choices, filters, may_anywhere(by, "workflow.edit"))


@dataclass(frozen=True)
class LibraryPage:
    """The templates by category, and where they can be put."""

    groups: list[tuple[str, list[Template]]]
    may_add: bool


def library_page(by: Actor) -> LibraryPage:
    """What there is to begin with."""
    groups = [(category, [one for one in TEMPLATES.values() if one.category == category]) for category in CATEGORIES]
    return LibraryPage(groups, may_anywhere(by, "workflow.edit"))


@dataclass(frozen=True)
class WorkflowPage:
    """One workflow: its picture, figures, runs and versions."""

    workflow: Workflow
    trigger: str
    picture: Picture
    figures: Figures
    runs: list[WorkflowRun]
    versions: list[WorkflowVersion]
    state: str
    refused: list[WorkflowRun]
    may_edit: bool
    may_run: bool


def workflow_page(key: str, by: Actor, args: Mapping[str, str]) -> WorkflowPage:
    """The page of one; `days` is the window of its figures, `state` narrows the runs. Raises NotFound."""
    workflow = queries.workflow_for(key, by)
    definition = queries.version_of(workflow).definition
    text = args.get("days", "")
    days = min(max(int(text[:4]), 1), figures.MOST_DAYS) if text.isascii() and text.isdecimal() else figures.DAYS
    state = args.get("state", "")
    wanted = queries.seen_runs(queries.runs_of(workflow), by)
    runs = list(session.scalars((wanted.where(WorkflowRun.state == state) if state else wanted).limit(RUNS)))
    versions = list(session.scalars(select(WorkflowVersion).where(
        WorkflowVersion.workflow_id == workflow.id).order_by(WorkflowVersion.number.desc()).limit(50)))
    return WorkflowPage(
        workflow, words.trigger(definition["trigger"]), draw(definition, names()),
        figures.figures(workflow.id, days), runs, versions, state,
        list(session.scalars(wanted.where(WorkflowRun.state == "refused").limit(3))),
        may(by, "workflow.edit", team_id=workflow.team_id),
        queries.may_run(workflow, by))


@dataclass(frozen=True)
class VersionPage:
    """One version beside the one before it."""

    workflow: Workflow
    version: WorkflowVersion
    former: WorkflowVersion | None
    changes: list[tuple[str, str, Any, Any]]
    picture: Picture
    may_edit: bool


def version_page(key: str, number: int, by: Actor) -> VersionPage:
    """What a version changed. Raises NotFound."""
    workflow = queries.workflow_for(key, by)
    version = queries.version_of(workflow, number)
    former = queries.version_of(workflow, number - 1) if number > 1 else None
    changes = differences(former.definition if former else {}, version.definition)
    return VersionPage(workflow, version, former, changes, draw(version.definition, names()),
                       may(by, "workflow.edit", team_id=workflow.team_id))


@dataclass(frozen=True)
class StepRow:
    """A step on the page of a run."""

    step: WorkflowStep
    title: str
    drawing: str

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        one = self.step
        return (one.ended_at - one.started_at).total_seconds() if one.ended_at and one.started_at else None


@dataclass(frozen=True)
class RunPage:
    """One run: the way it took, and each step."""

    run: WorkflowRun
    picture: Picture
    steps: list[StepRow]
    may_cancel: bool


def run_page(key: str, by: Actor) -> RunPage:
    """The page of a run. Raises NotFound."""
    run = queries.run_for(key, by)
    definition, called = run.version.definition, names()
    nodes = {node["id"]: node for node in definition["nodes"]}
    graph, steps = graph_of(definition), {step.node: step for step in run.steps}
    order = [node for node in graph.in_order() if node in steps]
    picture = draw(definition, called, states={node: step.state for node, step in steps.items()},
                   taken={node: list(step.taken) for node, step in steps.items()})
    rows = [StepRow(steps[node], words.title(nodes[node], called), words.drawing(nodes[node])) for node in order]
    return RunPage(run, picture, rows, run.ended_at is None and queries.may_run(run.workflow, by, run.incident))
