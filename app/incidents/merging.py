"""Two incidents become one: alerts move, the one is resolved, and within a day both can be given back."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select, update

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict
from app.incidents import events, moves, room, rules
from app.incidents.models import Alert, Incident, Merge
from app.incidents.queries import state_of
from app.incidents.service import involve


def merge(incident: Incident, target: Incident, *, by: Actor) -> Incident:
    """Move the alerts of `incident` into `target` and end it. Raises Conflict for itself and for a resolved target."""
    _both(incident, target)
    incident, target = moves.claimed(incident, by), moves.claimed(target, by)
    if incident.id == target.id:
        raise Conflict("An incident can't be merged into itself", state=state_of(incident))
    status = incident.status
    to = moves.move("merge", incident)
    if target.status == rules.RESOLVED:
        raise Conflict(f"#{target.id} is resolved: nothing can be merged into it", state=state_of(target))
    alerts = list(session.scalars(select(Alert.id).where(Alert.incident_id == incident.id).order_by(Alert.id)))
    session.add(Merge(incident_id=incident.id, target_id=target.id, status=status, alerts=alerts))
    _move(alerts, incident, target)
    incident.status, incident.merged_into_id, incident.snoozed_until = to, target.id, None
    incident.resolved_at, incident.resolved_by, incident.resolved_name = clock.now(), by.ref, by.name[:200]
    incident.update_due_at = None
    involve(target, [responder.user_id for responder in incident.responders])
    moves.said(events.MERGED, incident, by, target=target.id, alerts=len(alerts))
    moves.said(events.MERGED_IN, target, by, source=incident.id, title=incident.title, alerts=len(alerts))
    if rules.is_raise(target.severity, incident.severity):
        room.raise_to(target, incident.severity, by=by)
    return target


def unmerge(incident: Incident, *, by: Actor) -> Incident:
    """Give both back as they were, within 24 h; alerts that ended meanwhile stay ended.

    What it was merged into may have gone into another since: its alerts come back from where they are now.
    """
    made = session.scalar(select(Merge).where(Merge.incident_id == incident.id, Merge.undone_at.is_(None))
                          .order_by(Merge.id.desc()).limit(1))
    if made is None:
        moves.claimed(incident, by)
        raise Conflict("It was not merged", state=state_of(incident))
    way = _way(made.target_id)
    _both(incident, *way)
    incident, holder = moves.claimed(incident, by), moves.claimed(way[-1], by)
    session.refresh(made)
    if made.undone_at is not None or incident.merged_into_id != made.target_id:
        raise Conflict("It was not merged", state=state_of(incident))
    if clock.now() - made.at > timedelta(hours=rules.UNMERGE_WITHIN_HOURS):
        raise Conflict("A merge can be taken back for 24 hours", state=state_of(incident))
    if way != _way(made.target_id):
        raise Conflict(f"#{holder.id} was merged or taken out just now: try again", state=state_of(incident))
    made.undone_at, incident.merged_into_id = clock.now(), None
    moved = sorted({*session.scalars(select(Alert.id).where(Alert.incident_id == holder.id))} & {*made.alerts})
    _move(moved, holder, incident)
    _forget(made.alerts, way[:-1])
    _back(incident, made.status)
    moves.said(events.UNMERGED, incident, by, target=holder.id, alerts=len(moved))
    for one in way:
        moves.said(events.UNMERGED_FROM, one, by, source=incident.id, alerts=len(moved) if one is holder else 0)
    return incident


def _way(number: int) -> list[Incident]:
    """From this incident to the one that holds its alerts now: each was merged into the next."""
    way = [session.get_one(Incident, number)]
    while way[-1].merged_into_id is not None:
        way.append(session.get_one(Incident, way[-1].merged_into_id))
    return way


def _forget(alerts: list[int], passed: list[Incident]) -> None:
    """These alerts are no longer among those that the later merges of the incidents they passed give back."""
    gone = set(alerts)
    for merge in session.scalars(select(Merge).where(Merge.incident_id.in_([one.id for one in passed]),
                                                     Merge.undone_at.is_(None))):
        merge.alerts = [one for one in merge.alerts if one not in gone]


def _both(*incidents: Incident) -> None:
    """Lock them in the order of their numbers, so that nobody waits for each other in a circle."""
    for number in sorted({incident.id for incident in incidents}):
        moves.lock(number)


def _move(alerts: list[int], source: Incident, target: Incident) -> None:
    for start in range(0, len(alerts), 500):
        session.execute(update(Alert).where(Alert.id.in_(alerts[start:start + 500])).values(incident_id=target.id))
    source.alert_count -= len(alerts)
    target.alert_count += len(alerts)


def _back(incident: Incident, status: str) -> None:
    """As it was before; but one whose every alert has ended meanwhile stays resolved."""
    firing = session.scalar(select(func.count()).where(Alert.incident_id == incident.id, Alert.status == "firing"))
    if incident.alert_count and not firing:
        return
    incident.resolved_at = incident.resolved_by = incident.resolved_name = None
    if status == rules.TRIGGERED:
        moves.trigger(incident)
    else:
        incident.status = status
    moves.wind(incident)
