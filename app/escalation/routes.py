"""Pages of escalation: the button that pages the next level now."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from app.core.access import access
from app.core.errors import Conflict
from app.core.pages import go
from app.core.web import actor
from app.escalation import service
from app.incidents.queries import incident_for

blueprint = Blueprint("escalation", __name__)


@blueprint.post("/incidents/<id>/escalate")
@access("incident.act")
def escalate(id: str) -> Response:
    """Page the next level now; where that is not possible, the page of the incident says why."""
    back = url_for("incidents.show", id=id)
    try:
        service.escalate(incident_for(id, actor()), by=actor())
    except Conflict as conflict:
        return go(back, conflict.detail, tone="danger")
    return go(back, f"#{id}: the next level is paged")
