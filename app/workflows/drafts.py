"""Commands on drafts: a graph that one person is editing, with its former states, until it is saved as a version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden
from app.identity.queries import allow
from app.workflows import queries, service
from app.workflows.models import Workflow, WorkflowDraft

KEPT = 20


def draft_of(workflow: Workflow, by: Actor) -> WorkflowDraft | None:
    """What this person is editing."""
    return session.scalar(select(WorkflowDraft).where(
        WorkflowDraft.workflow_id == workflow.id, WorkflowDraft.user_id == by.user_id))


def keep(workflow: Workflow, definition: Mapping[str, Any], *, by: Actor) -> WorkflowDraft:
    """The graph as it is now; the one before can be taken back."""
    allow(by, "workflow.edit", team_id=workflow.team_id)
    if by.user_id is None:
        raise Forbidden("Only a person edits step by step.")
    draft = draft_of(workflow, by)
    if draft is None:
        draft = WorkflowDraft(workflow_id=workflow.id, user_id=by.user_id, number=workflow.number, undo=[],
                              definition=queries.version_of(workflow).definition)
        session.add(draft)
    if draft.definition != definition:
        draft.undo = [*draft.undo, draft.definition][-KEPT:]
        draft.definition, draft.updated_at = dict(definition), clock.now()
    session.flush()
    return draft


def undo(workflow: Workflow, *, by: Actor) -> None:
    """One press back."""
    allow(by, "workflow.edit", team_id=workflow.team_id)
    draft = draft_of(workflow, by)
    if draft is not None and draft.undo:
        draft.definition, draft.undo = draft.undo[-1], draft.undo[:-1]
        session.flush()


def discard(workflow: Workflow, *, by: Actor) -> None:
    """Forget what was edited."""
    allow(by, "workflow.edit", team_id=workflow.team_id)
    draft = draft_of(workflow, by)
    if draft is not None:
        session.delete(draft)
        session.flush()


def save(workflow: Workflow, *, by: Actor) -> Workflow:
    """The draft becomes the next version. Raises Invalid with each fault, Conflict where somebody saved meanwhile."""
    draft = draft_of(workflow, by)
    if draft is None:
        return workflow
    saved = service.save_graph(workflow, draft.definition, draft.number, by=by)
    session.delete(draft)
    session.flush()
    return saved
