"""The same command on many incidents, each in a transaction of its own, and the ten seconds to take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import Conflict, Failure, Invalid, NotFound, Problem
from app.incidents import events, moves, rules
from app.incidents.models import Alert, BulkMove, Incident
from app.incidents.queries import incident_for, number_of

Command = Callable[[Incident, Actor], Any]
UNDOABLE = ("acknowledge", "resolve", "snooze")
WORDS = {"acknowledge": "acknowledged", "resolve": "resolved", "snooze": "snoozed", "assign": "assigned", "merge": "merged"}
KEPT = ("status", "triggered_at", "acknowledged_at", "acknowledged_by", "acknowledged_name", "snoozed_until",
        "resolved_at", "resolved_by", "resolved_name", "resolution_note", "update_due_at")
GRACE = 2  # seconds that a press may be under way


def numbers(given: Iterable[str | int]) -> list[int]:
    """The incidents named, each once. Raises Invalid for none and for more than 200."""
    found = list(dict.fromkeys(number_of(one) for one in given))
    if not 0 < len(found) <= rules.BULK:
        raise Invalid(problems=[Problem("incidents", f"Choose 1 to {rules.BULK} incidents")])
    return found


def run(what: str, ids: Iterable[int], command: Command, *, by: Actor) -> BulkMove:
    """Give the command for each; what was refused is told with its reason and stops no other.

    Opens its own transactions. Raises Invalid when nothing came of it, and what was typed is at fault.
    """
    done: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    fault: Invalid | None = None
    for number in ids:
        try:
            done += _one(number, command, by)
        except Failure as failure:
            fault = fault or (failure if isinstance(failure, Invalid) else None)
            refused.append({"id": str(number), "reason": failure.detail})
    if fault is not None and not done:
        raise fault
    with transaction():
        move = BulkMove(user_id=by.user_id, what=what, done=done, refused=refused)
        session.add(move)
    return move


def _one(number: int, command: Command, by: Actor) -> list[dict[str, Any]]:
    """How the incident was, when the command changed it; [] when it was so already."""
    with transaction():
        incident = moves.lock(incident_for(number, by).id)
        before = _snapshot(incident)
        command(incident, by)
        version = incident.version
    return [{**before, "version": version}] if version != before["version"] else []


def _snapshot(incident: Incident) -> dict[str, Any]:
    kept = {name: getattr(incident, name) for name in KEPT}
    return {"id": incident.id, "version": incident.version, **{
        name: clock.rfc3339(value) if isinstance(value, datetime) else value for name, value in kept.items()},
        "people": [[one.user_id, one.kind, one.state] for one in incident.responders]}


def move_for(key: str | int, by: Actor) -> BulkMove:
    """What this person did to many. Raises NotFound, also for others' moves."""
    found = session.get(BulkMove, number_of(key))
    if found is None or found.user_id != by.user_id:
        raise NotFound("There is no such move")
    return found


def undo_until(move: BulkMove) -> datetime | None:
    """Until when it can be taken back; None when it can't, or was."""
    able = move.what in UNDOABLE and move.undone_at is None and bool(move.done)
    return move.at + timedelta(seconds=rules.UNDO_SECONDS) if able else None


def undo(key: str | int, *, by: Actor) -> tuple[list[int], list[int]]:
    """Bring back what one press did, without paging anew: those that are as they were, and those changed since.

    Opens its own transactions. Raises Conflict when the ten seconds are over.
    """
    with transaction():
        move = move_for(key, by)
        until = undo_until(move)
        if until is None or clock.now() > until + timedelta(seconds=GRACE):
            raise Conflict("It can be taken back for 10 seconds only, and once")
        move.undone_at = clock.now()
        what, done = move.what, list(move.done)
    back: list[int] = []
    changed: list[int] = []
    for kept in done:
        with transaction():
            (back if _bring_back(kept, what, by) else changed).append(kept["id"])
    return back, changed


def _bring_back(kept: dict[str, Any], what: str, by: Actor) -> bool:
    """One incident as it was, unless something has happened to it since."""
    incident = moves.claimed(session.get_one(Incident, kept["id"]), by)
    if incident.version != kept["version"]:
        return False
    if what == "resolve" and incident.resolved_at is not None:
        _fire_again(incident, incident.resolved_at)
    for name in KEPT:
        value = kept[name]
        setattr(incident, name, clock.parse_instant(value) if value and name.endswith(("_at", "_until")) else value)
    former = {user: (kind, state) for user, kind, state in kept["people"]}
    for responder in incident.responders:
        responder.kind, responder.state = former.get(responder.user_id, ("responder", "joined"))
    moves.said(events.UNDONE, incident, by, what=WORDS[what], status=incident.status)
    return True


def _fire_again(incident: Incident, at: datetime) -> None:
    """The alerts that ended with it fire again, but one whose sender has opened a new one since."""
    newer = aliased(Alert)
    taken = select(newer.id).where(newer.integration_id == Alert.integration_id, newer.dedup_key == Alert.dedup_key,
                                   newer.status == "firing")
    session.execute(update(Alert).where(Alert.incident_id == incident.id, Alert.status == "resolved",
                                        Alert.resolved_at == at, ~taken.exists()).values(status="firing", resolved_at=None)
                    .execution_options(synchronize_session=False))
