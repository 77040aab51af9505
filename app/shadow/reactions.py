"""What shadow does because something happened."""

from __future__ import annotations

from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import Event
from app.core.shadow import covering
from app.incidents import service as incidents
from app.incidents.models import Alert, Incident
from app.shadow import queries


def wake(event: Event) -> None:
    """`incident.alert_joined`: what was silent because of one sender, or since a shadow that has ended, is reported by
    somebody live: it pages."""
    incident = incidents.lock(int(event.subject.partition(":")[2]))
    alert = session.get(Alert, event.data["alert"])
    if alert is not None and covering((*queries.refs_of(incident), f"integration:{alert.integration_id}")) is None:
        _speak(incident)


def wake_merged(event: Event) -> None:
    """`incident.merged_in`: the same where one that was heard became part of it."""
    incident = incidents.lock(int(event.subject.partition(":")[2]))
    source = session.get_one(Incident, event.data["source"])
    if all(covering(queries.refs_of(one)) is None for one in (incident, source)) and not queries.unheard(source):
        _speak(incident)


def _speak(incident: Incident) -> None:
    """Once: what is heard already does not begin anew with each further alert."""
    if incident.status != "resolved" and queries.unheard(incident):
        incidents.speak(incident, by=SYSTEM)
