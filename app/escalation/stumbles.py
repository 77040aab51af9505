"""What becomes of an incident that can't be paged as it should because of a fault of ours: it is paged all the same."""

from __future__ import annotations

from datetime import timedelta

from app.core import clock
from app.core.db import locked, session
from app.core.isolation import words
from app.escalation import events, holds, rules, service
from app.escalation.models import Run
from app.incidents import service as incidents
from app.incidents.models import Incident

AGAIN = timedelta(minutes=1)


def begin_anyway(incident: Incident, fault: Exception) -> None:
    """What should start it failed: whatever holds it is put aside, and its levels are due at once, one by one."""
    if incident.status != "triggered" or incident.quiet:
        return
    incident.snoozed_until = None
    holds.drop(incident)
    service.void(incident)
    run = service.begun(incident)
    run.next_at = clock.now()
    service.say(events.STUMBLED, incident, run, level=1, round=1, error=words(fault), then="its levels are due one by one")


def stumble(run_id: int, fault: Exception) -> None:
    """The next level of this run could not be paged: the one after it is due now; after the last one, in a minute."""
    incident = incidents.lock(session.get_one(Run, run_id).incident_id)
    run = locked(Run, run_id)
    if run is None or run.state != "running" or run.next_at > clock.now() or incident.status != "triggered":
        return
    failed = rules.next_step(rules.reached(run.level, run.round), len(run.levels), run.repeat, run.repeat_from)
    then = "the next one is paged"
    if failed is not None:
        run.level, run.round, run.next_at = failed.level, failed.round, clock.now()
    else:
        run.next_at, then = clock.now() + AGAIN, "it is tried again in a minute"
    service.say(events.STUMBLED, incident, run, level=run.level + 1, round=run.round + 1, error=words(fault), then=then)
