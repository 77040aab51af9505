"""What escalation does because something happened to an incident."""

from __future__ import annotations

from app.core.events import Event
from app.escalation import queries, service
from app.incidents import service as incidents
from app.incidents.models import Incident


def _incident(event: Event) -> Incident:
    return incidents.lock(int(event.subject.partition(":")[2]))


def begin(event: Event) -> None:
    """`incident.opened` by hand or by machine: the same start as the ingest road takes; a second one does nothing."""
    service.start(_incident(event))


def begin_again(event: Event) -> None:
    """Given back or reopened: from the first level, unless a run has begun since."""
    incident = _incident(event)
    run = queries.running(incident.id)
    if run is not None and run.started_at >= incident.triggered_at:
        return
    service.void(incident)
    service.start(incident)


def stop(event: Event) -> None:
    """Acknowledged, resolved or snoozed: the run reads `voided`, if the incident is still so."""
    incident = _incident(event)
    if incident.status != "triggered" or incident.snoozed_until is not None:
        service.void(incident)


def restart_timer(event: Event) -> None:
    """The present level's clock restarts."""
    service.restart_timer(_incident(event))


def skip_unreachable(event: Event) -> None:
    """`message.unreachable`: when nobody of the level is left, the next one is due now."""
    data = event.data
    if data.get("run") is not None and data.get("alone"):
        service.hurry(int(event.subject.partition(":")[2]), data["run"], data["level"], data["round"])
