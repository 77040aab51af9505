"""Commands: an incident is said to be noise, or not after all."""

from __future__ import annotations

from sqlalchemy import update

from app.core.access import Actor
from app.core.db import alone, session
from app.core.events import record
from app.core.forms import check_text, refuse
from app.identity.queries import allow
from app.incidents.models import Incident
from app.insights import events
from app.insights.days import days_of, stale
from app.insights.models import IncidentFact, NoiseMark


def mark_noise(incident: Incident, reason: str, *, by: Actor) -> NoiseMark:
    """Nobody needed to be told of this incident: it counts as noise. Raises Invalid without a reason."""
    allow(by, "incident.act", team_id=incident.team_id)
    try:
        text = check_text(reason, least=1, most=200, label="The reason")
    except ValueError as fault:
        refuse("reason", str(fault))
    mark = _mark_of(incident)
    if mark is not None and mark.reason == text:
        return mark
    mark = mark or NoiseMark(incident_id=incident.id)
    mark.reason, mark.by = text, by.name[:200]
    session.add(mark)
    _counts(incident, True)
    record(events.NOISE_MARKED, incident.ref, by=by, also=_also(incident), reason=text)
    return mark


def unmark_noise(incident: Incident, *, by: Actor) -> None:
    """It was worth telling after all."""
    allow(by, "incident.act", team_id=incident.team_id)
    mark = _mark_of(incident)
    if mark is None:
        return
    session.delete(mark)
    _counts(incident, False)
    record(events.NOISE_UNMARKED, incident.ref, by=by, also=_also(incident))


def _mark_of(incident: Incident) -> NoiseMark | None:
    """The mark as it is now; a second press waits until the first is through."""
    alone(f"noise of {incident.id}")
    return session.get(NoiseMark, incident.id, populate_existing=True)


def _counts(incident: Incident, noise: bool) -> None:
    """The row of facts may have been made anew meanwhile, or be made in a moment: whatever is there is told."""
    session.flush()
    session.execute(update(IncidentFact).where(IncidentFact.incident_id == incident.id).values(noise=noise))
    stale(days_of([incident.id]))


def _also(incident: Incident) -> list[str]:
    return [f"team:{incident.team_id}"] if incident.team_id is not None else []
