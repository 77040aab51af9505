"""Commands of the room: severity, text, roles, answers, tasks, and what those who wait are told."""

from __future__ import annotations

from sqlalchemy import func, select

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import session
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from app.core.events import Event
from app.identity.models import User
from app.identity.queries import allow
from app.incidents import events, moves, rules
from app.incidents.models import Follower, Incident, Role, Task, Update
from app.incidents.queries import involved, state_of

TASKS = 100


def set_severity(incident: Incident, severity: str, *, by: Actor) -> Incident:
    """Say how bad it is. The urgency follows; a raise ends a snooze, and pages again (spec of escalation)."""
    incident = moves.claimed(incident, by)
    moves.move("change the severity of", incident)
    if severity not in rules.SEVERITIES:
        raise Invalid(problems=[Problem("severity", f"A severity is one of {', '.join(rules.SEVERITIES)}")])
    if rules.is_raise(incident.severity, severity):
        raise_to(incident, severity, by=by)
    elif severity != incident.severity:
        before, incident.severity = incident.severity, severity
        incident.urgency = rules.urgency_of(severity)
        moves.said(events.SEVERITY_LOWERED, incident, by, before=before, after=severity)
    return incident


def raise_to(incident: Incident, severity: str, *, by: Actor) -> None:
    """It is worse than it was; the row is locked, permission is asked."""
    before, incident.severity = incident.severity, severity
    if rules.urgency_of(severity) == "high":
        incident.urgency = "high"
    moves.said(events.SEVERITY_RAISED, incident, by, before=before, after=severity)
    if incident.snoozed_until is not None:
        wake(incident, by=SYSTEM, reason=", it became worse")


def set_urgency(incident: Incident, urgency: str, *, by: Actor) -> Incident:
    """How loudly people are paged, apart from the severity."""
    incident = moves.claimed(incident, by)
    moves.move("change the severity of", incident)
    if urgency not in rules.URGENCIES:
        raise Invalid(problems=[Problem("urgency", "An urgency is high or low")])
    if urgency != incident.urgency:
        before, incident.urgency = incident.urgency, urgency
        moves.said(events.URGENCY_CHANGED, incident, by, before=before, after=urgency)
    return incident


def edit_text(incident: Incident, title: str | None, description: str | None, *, by: Actor) -> Incident:
    """Change title or description; the earlier text stays on the timeline. None leaves one as it is."""
    incident = moves.claimed(incident, by)
    moves.move("change the text of", incident)
    wanted = {"title": title, "description": description}
    problems = []
    if title is not None and not 0 < len(title.strip()) <= 300:
        problems.append(Problem("title", "A title has 1 to 300 characters"))
    if description is not None and len(description) > 10_000:
        problems.append(Problem("description", "A description has at most 10,000 characters"))
    if problems:
        raise Invalid(problems=problems)
    for name, text in wanted.items():
        before = getattr(incident, name)
        if text is not None and text.strip() != before:
            setattr(incident, name, text.strip())
            moves.said(events.TEXT_CHANGED, incident, by, what=name, before=before, after=text.strip())
    return incident


def wake(incident: Incident, *, by: Actor, reason: str = "") -> Incident:
    """End the snooze now: triggered again, paged from the first level."""
    incident = moves.claimed(incident, by)
    moves.move("wake", incident)
    if incident.snoozed_until is None:
        raise Conflict("It is not snoozed", state=state_of(incident))
    moves.trigger(incident)
    moves.said(events.SNOOZE_ENDED, incident, by, reason=reason or f", {by.name} ended it")
    return incident


def take_role(incident: Incident, name: str, person: User | None, *, by: Actor) -> Incident:
    """Make `person` (None: nobody) commander, communications or scribe, in any state. Whoever is given one is told."""
    incident = moves.claimed(incident, by)
    if name not in rules.ROLES:
        raise Invalid(problems=[Problem("role", f"A role is one of {', '.join(rules.ROLES)}")])
    held = next((role for role in incident.roles if role.name == name), None)
    if person is None:
        return _release(incident, held, by)
    moves.check_people(incident, [person], "person")
    former = held.user.name if held else None
    if held is not None and held.user_id == person.id:
        return incident
    if held is None:
        held = Role(name=name)
        incident.roles.append(held)
    held.user, held.since = person, clock.now()
    if all(responder.user_id != person.id for responder in incident.responders):
        moves.connect(incident, person.id, "responder", "joined" if person.id == by.user_id else "requested")
    if person.id == by.user_id:
        moves.said(events.ROLE_TAKEN, incident, by, role=name, former=former)
    else:
        moves.said(events.ROLE_GIVEN, incident, by, role=name, person=person.name, former=former, tell=[person.id])
    return incident


def _release(incident: Incident, held: Role | None, by: Actor) -> Incident:
    if held is not None:
        incident.roles.remove(held)
        session.delete(held)
        moves.said(events.ROLE_RELEASED, incident, by, role=held.name, person=held.user.name)
    return incident


def answer(incident: Incident, says: str, *, by: Actor) -> Incident:
    """Whoever was asked to help says `accepted` or `declined`; the same again changes nothing."""
    incident = moves.claimed(incident, by)
    if says not in rules.ANSWERS:
        raise Invalid(problems=[Problem("answer", "An answer is accepted or declined")])
    mine = next((one for one in incident.responders if one.user_id == by.user_id), None)
    if mine is None:
        raise Conflict("You were not asked to help with it", state=state_of(incident))
    if mine.state != says:
        mine.state = says
        told = _asked_by(incident, by) if says == "declined" else []
        moves.said(events.RESPONDER_ANSWERED, incident, by, answer=says, tell=told)
    return incident


def _asked_by(incident: Incident, by: Actor) -> list[int]:
    """Who asked this person to help, last: a no is told to them."""
    asked = session.scalars(select(Event).where(Event.subject == incident.ref, Event.kind == events.RESPONDERS_ADDED.name)
                            .order_by(Event.id.desc()))
    actor = next((one.actor for one in asked if by.user_id in one.data["ids"]), "")
    return [int(actor.partition(":")[2])] if actor.startswith("user:") else []


def add_task(incident: Incident, title: str, owner: User | None, *, by: Actor) -> Task:
    """Something to do, in any state; its owner is told."""
    incident = moves.claimed(incident, by)
    text = " ".join(title.split())
    if not 0 < len(text) <= 300:
        raise Invalid(problems=[Problem("title", "A task has 1 to 300 characters")])
    if owner is not None:
        moves.check_people(incident, [owner], "owner")
    if session.scalar(select(func.count()).where(Task.incident_id == incident.id)) >= TASKS:  # type: ignore[operator]
        raise Conflict(f"An incident has at most {TASKS} tasks", state=state_of(incident))
    task = Task(incident_id=incident.id, title=text, owner=owner)
    session.add(task)
    session.flush()
    moves.said(events.TASK_ADDED, incident, by, task=task.id, title=text, owner=owner.name if owner else None,
               tell=[owner.id] if owner and owner.id != by.user_id else [])
    return task


def change_task(incident: Incident, task_id: int, *, by: Actor, done: bool | None = None,
                owner: User | None = None) -> Task:
    """Tick a task off, open it again, or give it to somebody. Nothing happens where it is so already."""
    incident = moves.claimed(incident, by)
    task = session.get(Task, task_id)
    if task is None or task.incident_id != incident.id:
        raise NotFound(f"There is no task {task_id} in #{incident.id}")
    if done is not None and done != (task.done_at is not None):
        task.done_at, task.done_by = (clock.now(), by.name[:200]) if done else (None, None)
        moves.said(events.TASK_CHANGED, incident, by, task=task.id, title=task.title, tell=[],
                   change="finished" if done else "opened again")
    if owner is not None and owner.id != task.owner_id:
        moves.check_people(incident, [owner], "owner")
        task.owner = owner
        moves.said(events.TASK_CHANGED, incident, by, task=task.id, title=task.title, change=f"gave {owner.name}",
                   tell=[owner.id] if owner.id != by.user_id else [])
    return task


def post_update(incident: Incident, body: str, *, by: Actor) -> Update:
    """Tell those who follow it how things stand, in any state; the clock of the next update starts anew."""
    incident = moves.claimed(incident, by)
    text = body.strip()
    if not 0 < len(text) <= 10_000:
        raise Invalid(problems=[Problem("body", "An update has 1 to 10,000 characters")])
    update = Update(incident_id=incident.id, author=by.ref, author_name=by.name[:200], body=text)
    session.add(update)
    session.flush()
    moves.wind(incident)
    waiting = session.scalars(select(Follower.user_id).where(Follower.incident_id == incident.id).order_by(Follower.id))
    moves.said(events.UPDATE_POSTED, incident, by, update=update.id, body=text,
               tell=[one for one in waiting if one != by.user_id])
    return update


def time_updates(incident: Incident, minutes: int | None, *, by: Actor) -> Incident:
    """Remind of an update every so many minutes (15 to 240) until it is resolved; None ends that."""
    incident = moves.claimed(incident, by)
    least, most = rules.UPDATE_MINUTES
    if minutes is not None and not least <= minutes <= most:
        raise Invalid(problems=[Problem("minutes", f"An update is due every {least} to {most} minutes, or never")])
    every = minutes * 60 if minutes else None
    if every != incident.update_every:
        incident.update_every = every
        moves.wind(incident)
        moves.said(events.UPDATES_TIMED, incident, by, every=f"every {minutes} min" if minutes else "no more")
    return incident


def remind(incident: Incident) -> None:
    """An update is due: who speaks for it, else who leads it, else whose it is, is told; then the clock starts anew."""
    if incident.status == rules.RESOLVED or not incident.update_every:
        incident.update_due_at = None
        return
    held = {role.name: role.user_id for role in incident.roles}
    speaker = held.get("communications") or held.get("commander")
    moves.wind(incident)
    moves.said(events.UPDATE_DUE, incident, SYSTEM, tell=[speaker] if speaker else [one.id for one in incident.assignees])


def follow(incident: Incident, follows: bool, *, by: Actor) -> None:
    """Be told of updates, or no more. Whoever may see an incident may follow it; it is nobody else's business."""
    allow(by, "incident.read", team_id=incident.team_id, involved=involved(incident, by))
    if by.user_id is None:
        raise Forbidden("Only a person can follow an incident.")
    moves.lock(incident.id)
    mine = session.scalar(select(Follower).where(Follower.incident_id == incident.id, Follower.user_id == by.user_id))
    if follows and mine is None:
        session.add(Follower(incident_id=incident.id, user_id=by.user_id))
    elif not follows and mine is not None:
        session.delete(mine)
    session.flush()
