"""What workflows do because something happened."""

from __future__ import annotations

from sqlalchemy import select, update

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.events import Event
from app.identity.models import User
from app.identity.queries import may_see
from app.notifications import service as notifications
from app.workflows import context, matching, remedies
from app.workflows.models import WorkflowRun, WorkflowStep


def consider(event: Event) -> None:
    """A fact: begin the runs of the workflows that wait for it."""
    matching.consider(event)


def go_on(event: Event) -> None:
    """`runbook.execution_ended`: the steps that wait for it are due."""
    kind, _, key = str(event.data.get("cause") or "").partition(":")
    if kind == "workflow_run" and key.isdecimal():
        session.execute(update(WorkflowStep).where(
            WorkflowStep.run_id == int(key), WorkflowStep.state == "waiting", WorkflowStep.waits_for == "runbook").values(
            next_at=clock.now()), execution_options={"synchronize_session": False})


def stop_remedies(event: Event) -> None:
    """`workflow.run_ended` before its time: the runbooks that it waited for are stopped."""
    run = session.get(WorkflowRun, event.data["run"]) if event.data["state"] in ("cancelled", "timed_out") else None
    if run is not None:
        remedies.stop(run)


def tell_of_failure(event: Event) -> None:
    """`workflow.run_ended` badly: its last editor and the incident's assignees are told once, quietly."""
    if event.data["state"] not in ("failed", "timed_out"):
        return
    run = session.get(WorkflowRun, event.data["run"])
    if run is None:
        return
    editor = run.workflow.editor.partition(":")
    ids = {int(editor[2])} if editor[0] == "user" and editor[2].isdecimal() else set()
    ids |= {person.id for person in run.incident.assignees} if run.incident is not None else set()
    people = [person for person in session.scalars(select(User).where(
        User.id.in_(ids), User.state == "active").order_by(User.id)) if _may_know(person, run)]
    where = f" at {run.failed_step}" if run.failed_step else ""
    about = f" for #{run.incident_id}" if run.incident_id else ""
    notifications.tell(people, kind="alarm", cause=f"workflow-run:{run.id}", reason=(
        f"Workflow {run.workflow.name} failed{where}{about}: {run.error[:120]}. {context.run_url(run)}"),
        scope=run.incident.ref if run.incident else f"team:{run.workflow.team_id}")


def _may_know(person: User, run: WorkflowRun) -> bool:
    """Not of what went wrong for an incident of a team that is private to others."""
    team = run.incident.team_id if run.incident is not None else None
    return team is None or may_see(Actor(person.ref, person.name, "workflow", person.id), team)
