"""Which open incident a new alert joins instead of opening its own: by grouping, in a storm, or while it flaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from app.catalog.models import Service
from app.catalog.noise import Noise, noise
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import alone, session
from app.core.events import record
from app.core.forms import duration_text
from app.escalation import service as escalation
from app.identity.models import Team
from app.incidents import alerts, events, service
from app.incidents.models import Alert, Incident
from app.incidents.rules import OPEN

OF_SERVICE, OF_TEAM, SPAN, CALM = 20, 100, timedelta(seconds=60), timedelta(minutes=5)
FLAPS, FLAP_SPAN, QUIET = 4, timedelta(minutes=30), timedelta(minutes=15)
TOLD_AT = (100, 1_000, 10_000)
LOOKED_AT = 50


@dataclass(frozen=True)
class Place:
    """Where a signal goes, as far as noise asks."""

    service: Service | None
    team: Team | None
    labels: Mapping[str, str]
    actor: Actor

    @property
    def settings(self) -> Noise:
        """The service's settings; where there is no service, the defaults."""
        return noise(self.service.noise) if self.service else noise(None)


@dataclass
class Storms:
    """The storms that this batch has met and locked, by the reference of their place."""

    known: dict[str, Incident] = field(default_factory=dict)
    numbered: bool = False


def host(place: Place, storms: Storms) -> tuple[Incident, str] | None:
    """The open incident that a new alert of this place joins, locked, and why; None: it opens its own."""
    if not storms.numbered:
        # Before any incident to join, so that two that open and join much wait in one order. Who counted on an incident
        # before holds that already: should two cross, one is undone, and its deliveries are worked on one by one.
        service.hold_number()
        storms.numbered = True
    raging = _storm(place, storms)
    if raging is not None:
        return raging, "there is a storm"
    settings = place.settings
    if settings.group == "none" or place.service is None:
        return None
    since = clock.now() - timedelta(seconds=settings.window)
    found = session.scalars(select(Incident).where(
        Incident.service_id == place.service.id, Incident.status.in_(OPEN), Incident.opened_at > since, ~Incident.test)
        .order_by(Incident.id.desc()).limit(LOOKED_AT))
    names = settings.labels if settings.group == "labels" else ()
    for one in found:
        if all(one.labels.get(name) == place.labels.get(name) for name in names):
            locked = service.lock(one.id)
            return (locked, _grouping(names)) if locked.status in OPEN else None
    return None


def _grouping(names: tuple[str, ...]) -> str:
    return f"the same {', '.join(names)}" if names else "soon after it opened"


def _storm(place: Place, storms: Storms) -> Incident | None:
    """The storm of this service, or of its team; one begins when too much opens at once."""
    for thing, limit, mine in _places(place):
        known = storms.known.get(thing.ref)
        if known is not None and known.status in OPEN:
            return known
        raging = _raging(mine)
        if raging is None and _opened(thing) >= limit:
            alone("storms")
            raging = _raging(mine) or _begun(place, thing, limit)
        if raging is not None:
            storms.known[thing.ref] = raging
            return raging
    return None


def _places(place: Place) -> list[tuple[Service | Team, int, ColumnElement[bool]]]:
    found: list[tuple[Service | Team, int, ColumnElement[bool]]] = []
    if place.service is not None and place.settings.storm:
        found.append((place.service, OF_SERVICE, Incident.service_id == place.service.id))
    team = place.team or (place.service.team if place.service else None)
    if team is not None and place.settings.storm:
        found.append((team, OF_TEAM, Incident.service_id.is_(None) & (Incident.team_id == team.id)))
    return found


def _raging(mine: ColumnElement[bool]) -> Incident | None:
    number = session.scalar(select(Incident.id).where(
        mine, Incident.storm_until > clock.now(), Incident.status.in_(OPEN)).order_by(Incident.id.desc()).limit(1))
    found = service.lock(number) if number is not None else None
    return found if found is not None and found.status in OPEN else None


def _opened(thing: Service | Team) -> int:
    """How many incidents opened here in the last 60 seconds."""
    mine = Incident.service_id == thing.id if isinstance(thing, Service) else Incident.team_id == thing.id
    return session.scalar(select(func.count()).select_from(Incident).where(
        mine, Incident.opened_at > clock.now() - SPAN, ~Incident.test)) or 0


def _begun(place: Place, thing: Service | Team, limit: int) -> Incident:
    """The incident that takes in everything new here, paged like any other."""
    reason = f"{limit} incidents opened within a minute: further new alerts of {thing.name} are gathered here"
    incident = service.open_incident(service.Opening(
        title=f"Storm on {thing.name}", severity="medium", description=reason,
        service=thing if isinstance(thing, Service) else None, team=thing if isinstance(thing, Team) else None,
        route={"step": "storm", "reason": reason}), by=place.actor)
    incident.storm_until = clock.now() + CALM
    record(events.STORM_BEGAN, incident.ref, by=place.actor, also=["incidents"], reason=reason)
    return incident


def joined(incident: Incident, alert: Alert, *, by: Actor) -> None:
    """The alert belongs to it now; a storm tells at 100, 1,000 and 10,000."""
    alerts.attach(alert, incident, by=by)
    if incident.storm_until is None:
        return
    if incident.alert_count == 1:
        alerts.raise_severity(incident, alert.severity, by=by)
        escalation.start(incident)
    elif incident.alert_count in TOLD_AT:
        escalation.page_again(incident, f"{incident.alert_count:,} alerts in this storm",
                              cause=f"storm:{incident.id}:{incident.alert_count}")


def watch(incident: Incident, report: alerts.Report, settings: Noise) -> None:
    """The fourth opening of one problem within 30 minutes stays open until it is quiet for 15."""
    openings = session.scalar(select(func.count()).select_from(Alert).where(
        Alert.integration_id == report.integration_id, Alert.dedup_key == report.dedup_key,
        Alert.first_seen > clock.now() - FLAP_SPAN)) or 0
    if settings.flapping and openings >= FLAPS:
        incident.flapping_until = clock.now() + QUIET
        record(events.FLAPPING, incident.ref, by=SYSTEM, also=["incidents"], number=openings)


def fired_again(alert: Alert) -> None:
    """While it flaps, each firing begins the quiet time anew."""
    alert.recovered_at = None
    if alert.incident is not None and alert.incident.flapping_until is not None:
        alert.incident.flapping_until = clock.now() + QUIET


def recovered(alert: Alert, seen: datetime) -> str:
    """Why the recovery has to wait, in words; "" when it has not."""
    if alert.incident is None:
        return ""
    reason = "flapping: it stays open until it is quiet" if alert.incident.flapping_until else ""
    if not reason and (delay := resolve_delay(alert)):
        reason = f"recovered: it ends in {duration_text(delay)} unless it fires again"
    if reason:  # a recovery that is said again does not wait anew
        alert.recovered_at, alert.last_seen = alert.recovered_at or clock.now(), max(alert.last_seen, seen)
    return reason


def resolve_delay(alert: Alert) -> int:
    """For how many seconds a recovery of this alert waits, as its service says."""
    return noise(alert.service.noise).resolve_delay if alert.service is not None else 0


def is_over(alert: Alert) -> bool:
    """Whether it recovered, does not flap, and has waited for long enough."""
    flapping = alert.incident is not None and alert.incident.flapping_until is not None
    return alert.recovered_at is not None and not flapping and (
        alert.recovered_at + timedelta(seconds=resolve_delay(alert)) <= clock.now())


def calm_down(incident: Incident) -> None:
    """It was quiet for long enough: what has recovered is over; what still fires is an ordinary incident now."""
    incident.flapping_until = None
    for alert in session.scalars(select(Alert).where(Alert.incident_id == incident.id, Alert.status == "firing",
                                                     Alert.recovered_at.is_not(None)).order_by(Alert.id)):
        alerts.close_alert(alert, by=SYSTEM, seen=alert.last_seen)


def weigh_storm(incident: Incident) -> None:
    """It rages on while it takes in half the rate that began it; 5 minutes below that end it."""
    limit = OF_SERVICE if incident.service_id is not None else OF_TEAM
    lately = session.scalar(select(func.count()).select_from(Alert).where(
        Alert.incident_id == incident.id, Alert.first_seen > clock.now() - SPAN)) or 0
    if lately * 2 >= limit:
        incident.storm_until = clock.now() + CALM
    elif incident.storm_until is not None and incident.storm_until <= clock.now():
        incident.storm_until = None
        record(events.STORM_OVER, incident.ref, by=SYSTEM, also=["incidents"], number=incident.alert_count)
