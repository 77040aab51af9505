"""What workflows add to the page of an incident: their runs, and what can be started by hand."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from app.core.access import Actor
from app.core.db import session
from app.incidents.models import Incident
from app.workflows import manual
from app.workflows.models import Workflow, WorkflowRun

SHOWN = 8


@dataclass(frozen=True)
class OfIncident:
    """The runs for an incident, newest first, and what can be started by hand."""

    runs: list[WorkflowRun]
    more: int
    offers: list[Workflow]


def of_incident(incident: Incident, by: Actor) -> OfIncident | None:
    """What ran for it, and what whoever reads may start; None where there is neither."""
    query = select(WorkflowRun).where(WorkflowRun.incident_id == incident.id).order_by(WorkflowRun.id.desc())
    runs = list(session.scalars(query.limit(SHOWN + 1)))
    offers = manual.manual_for(incident, by) if incident.status != "resolved" else []
    more = (session.scalar(select(func.count()).select_from(query.subquery())) or 0) - SHOWN if len(runs) > SHOWN else 0
    return OfIncident(runs[:SHOWN], more, offers) if runs or offers else None
