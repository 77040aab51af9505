"""What shadow does because something happened."""

from __future__ import annotations

from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import Event
from app.core.shadow import covering
from app.incidents import service as incidents
from app.incidents.models import Alert
from app.shadow import queries


def wake(event: Event) -> None:
    """`incident.alert_joined`: what was silent because of one sender, or since a shadow that has ended, is reported by
    somebody live: it pages."""
    incident = incidents.lock(int(event.subject.partition(":")[2]))
    if incident.status == "resolved" or not (incident.in_shadow or incident.silenced_by):
        return
    alert = session.get(Alert, event.data["alert"])
    if alert is None or covering((f"team:{incident.team_id}", f"service:{incident.service_id}",
                                  f"integration:{alert.integration_id}")) is not None:
        return
    if incident.silenced_by is not None or queries.of_incident(incident) is None:
        incidents.speak(incident, by=SYSTEM)
