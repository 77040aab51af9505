"""What postmortems add to the pages of others: the link on an incident's page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.identity.queries import may
from app.incidents.models import Incident
from app.postmortems import queries
from app.postmortems.models import Postmortem, PostmortemIncident


@dataclass(frozen=True)
class OfIncident:
    """The postmortems of an incident that the reader may read, and whether they may begin one."""

    found: list[Postmortem]
    may_start: bool


def of_incident(incident: Incident, by: Actor) -> OfIncident | None:
    """The panel; None where there is nothing to read and nothing to begin. People of the same teams share it, so a draft
    shows to its team only and not to those who were asked to review it."""
    about = select(Postmortem).join(PostmortemIncident).where(PostmortemIncident.incident_id == incident.id)
    found = list(session.scalars(queries.visible(about, by, asked=False).order_by(Postmortem.id)))
    starts = incident.status == "resolved" and incident.merged_into_id is None and not any(
        one.team_id == incident.team_id for one in found) and may(by, "postmortem.write", team_id=incident.team_id)
    return OfIncident(found, starts) if found or starts else None
