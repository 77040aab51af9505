"""Commands on runs: start, page a level, escalate now, void. The incident's row is locked before its run changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import select, update

from app.catalog.queries import service_by_key
from app.catalog.service import save_service
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import session
from app.core.events import Event, Kind, record
from app.core.isolation import FAILS_ALL, attempt, words
from app.core.jobs import wake
from app.escalation import events, holds, queries, rules, targets, turns
from app.escalation.models import Run
from app.escalation.policies import (
    add_policy,
    remove_policy,
    save_policy,
    set_service_policy,
    set_team_policy,
)
from app.escalation.queries import Frozen
from app.identity.models import User
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications import queries as messages
from app.notifications import room_posts
from app.notifications.service import Paging, lost, page
from app.webhooks.queries import kept_from

log = structlog.get_logger()
POSTING = "posting in"

__all__ = ["add_policy", "advance", "escalate", "escalate_for", "hand_on", "hurry", "remove_policy", "restart_timer",
           "save_policy", "set_service_policy", "set_team_policy", "start", "void"]


def start(incident: Incident, *, by: Actor = SYSTEM, policy: Frozen | None = None, forced: bool = False) -> Run | None:
    """Freeze the policy that counts for the incident and page its first level. One run at a time: else None.

    While a window, a dependency or a delay holds its pages it does not start, unless a person forces it.
    """
    if incident.status != "triggered" or incident.snoozed_until or incident.quiet or queries.running(incident.id):
        return None
    if forced:
        holds.drop(incident, by=by)
    elif policy is None and holds.hold(incident) is not None:
        return None
    run = begun(incident, policy)
    try:
        with attempt():
            advance(run, incident)
    except FAILS_ALL:
        raise
    except Exception as fault:  # the alert is taken all the same: the tick pages the levels that can be paged
        log.exception("escalation.not_begun", incident=incident.id)
        run.next_at = clock.now()
        say(events.STUMBLED, incident, run, level=1, round=1, error=words(fault), then="it is tried once more")
    return run


def begun(incident: Incident, policy: Frozen | None = None) -> Run:
    """A run before its first level."""
    if policy is None:
        chosen = queries.policy_for(incident.service, incident.team)
        policy = queries.frozen(chosen) if chosen else queries.catch_all()
    run = Run(incident_id=incident.id, policy_id=policy.policy_id, policy_name=policy.name, levels=policy.levels,
              policy_version=policy.version, repeat=policy.repeat, repeat_from=policy.repeat_from,
              catch_all=policy.catch_all, level=-1, started_at=max(clock.now(), incident.triggered_at))
    session.add(run)
    session.flush()
    say(events.STARTED, incident, run, policy=run.policy_name, catch_all=run.catch_all)
    return run


def advance(run: Run, incident: Incident) -> None:
    """Page the next level that means somebody; after the last one the catch-all takes over at once."""
    step, skipped = rules.reached(run.level, run.round), 0
    while (step := rules.next_step(step, len(run.levels), run.repeat, run.repeat_from)) is not None:
        if step.round > run.round and targets.hollow(run):
            break
        if _page_level(run, incident, step):
            return
        skipped += 1
        if rules.fruitless(skipped, len(run.levels) - (run.repeat_from if step.round else 0)):
            break
    _exhaust(run, incident)


def _page_level(run: Run, incident: Incident, step: rules.Step) -> bool:
    """Page whom the level means now, post in its rooms and call its webhooks; says whether the level has its time."""
    level = run.levels[step.level]
    run.level, run.round = step.level, step.round
    turns.lock([level])
    found = targets.whom(level, clock.now(), severity=incident.severity, urgency=incident.urgency)
    _keep_private(found, incident)
    lost(incident, found.lost, Paging(run_id=run.id, level=step.level, round=step.round))
    if found.rooms and not incident.test:
        _post(run, incident, step, found.rooms)
    if found.hooks and not incident.test:
        _call(run, incident, step, found.hooks)
    if not found.counts:
        say(events.LEVEL_SKIPPED, incident, run, level=step.level + 1, round=step.round + 1,
            reason="; ".join(found.problems) or "it has no target")
        return False
    run.next_at = rules.due(clock.now(), int(level["timeout"]))
    turns.pass_on(found.turns)
    people = list(session.scalars(select(User).where(User.id.in_(found.people)).order_by(User.id)))
    if people:
        incidents.involve(incident, found.people)
        say(events.LEVEL_REACHED, incident, run, level=step.level + 1, round=step.round + 1, policy=run.policy_name,
            people=[person.name for person in people], ids=[person.id for person in people])
    for problem in found.problems:
        say(events.LEVEL_SKIPPED, incident, run, level=step.level + 1, round=step.round + 1,
            reason=f"only partly, {problem}")
    page(incident, people, Paging(run_id=run.id, level=step.level, round=step.round, reasons=found.people))
    return True


def _keep_private(found: targets.Resolved, incident: Incident) -> None:
    """What a private team's incident is about goes to no webhook of others: such a target is skipped, and says so."""
    for key in kept_from(found.hooks, incident.team) if found.hooks else ():
        found.problems.append(f"the webhook {found.hooks.pop(key)} is not called: it is another team's, and the incident is "
                              f"a private team's")


def _post(run: Run, incident: Incident, step: rules.Step, rooms: Mapping[int, str]) -> None:
    """One post in each room, however often the level is reached; it is kept true where it stands."""
    fresh = room_posts.post_in(incident, rooms)
    for how, ids in ((POSTING, [key for key in rooms if key in fresh]),
                     ("it stands already in", [key for key in rooms if key not in fresh])):
        if ids:
            say(events.POSTED, incident, run, level=step.level + 1, round=step.round + 1, how=how,
                fresh=how == POSTING, rooms=[rooms[key] for key in ids], ids=ids)


def _call(run: Run, incident: Incident, step: rules.Step, hooks: Mapping[int, str]) -> None:
    """Each webhook gets the incident once in a run, however often the level is reached (`webhooks.reactions.tell`)."""
    told = session.scalars(select(Event).where(Event.subject == incident.ref, Event.kind == events.CALLED.name))
    done = {key for one in told if one.data["run"] == run.id for key in one.data["ids"]}
    if ids := [key for key in hooks if key not in done]:
        say(events.CALLED, incident, run, level=step.level + 1, round=step.round + 1,
            webhooks=[hooks[key] for key in ids], ids=ids)


def _exhaust(run: Run, incident: Incident) -> None:
    run.state, run.ended_at = "exhausted", clock.now()
    session.flush()
    say(events.EXHAUSTED, incident, run, policy=run.policy_name, catch_all=run.catch_all)
    if not run.catch_all:
        start(incident, policy=queries.catch_all())
    elif run.policy_id is not None and run.level >= 0 and not _anybody(run):
        start(incident, policy=queries.admins())


def _anybody(run: Run) -> bool:
    """Whether any level of the run means somebody now."""
    return any(targets.whom(level, clock.now(), severity=run.incident.severity, urgency=run.incident.urgency).people
               for level in run.levels)


def escalate(incident: Incident, *, by: Actor) -> Incident:
    """Page the next level now, also from acknowledged (which becomes triggered again)."""
    incident = incidents.trigger_again(incident, by=by)
    record(events.ESCALATED, incident.ref, by=by, also=["incidents"], via=by.via)
    run = queries.latest(incident.id)
    if run is None or run.state == "exhausted":
        start(incident, by=by, forced=True)
        return incident
    if run.state != "running" or run.started_at < incident.triggered_at:
        run = _resumed(run, incident)
    advance(run, incident)
    return incident


def page_again(incident: Incident, reason: str, *, cause: str) -> None:
    """It grew: everybody paged in this round is paged once more; no timer moves. Who has it is left in peace."""
    run = queries.running(incident.id) if incident.status == "triggered" else None
    if run is None or run.level < 0:
        return
    found = list(session.scalars(select(User).where(User.id.in_(messages.paged_in(run.id, run.round)),
                                                    User.state == "active").order_by(User.id)))
    page(incident, found, Paging(run_id=run.id, level=run.level, round=run.round, again=cause,
                                 reasons={one.id: reason for one in found}))


def escalate_for(incident: Incident, *, by: Actor, text: str = "") -> str:
    """The answer "escalate"."""
    escalate(incident, by=by)
    return f"#{incident.id} goes to the next level now."


def _resumed(former: Run, incident: Incident) -> Run:
    """A run that goes on where `former` stood, on the same frozen policy."""
    void(incident)
    run = Run(incident_id=incident.id, policy_id=former.policy_id, policy_name=former.policy_name,
              policy_version=former.policy_version, levels=former.levels, repeat=former.repeat,
              repeat_from=former.repeat_from,
              catch_all=former.catch_all, level=former.level, round=former.round)
    session.add(run)
    session.flush()
    return run


def hurry(incident_id: int, run_id: int, level: int, round_: int) -> None:
    """Nobody of this level can be reached: its time is over now, if it is still that level's."""
    incidents.lock(incident_id)
    changed = session.execute(update(Run).where(
        Run.id == run_id, Run.state == "running", Run.level == level, Run.round == round_,
        Run.next_at > clock.now()).values(next_at=clock.now()))
    if changed.rowcount:
        wake("app.escalation.ticks.advance")


def void(incident: Incident) -> None:
    """The incident needs nobody any more, or starts anew: its run stops."""
    session.execute(update(Run).where(Run.incident_id == incident.id, Run.state == "running")
                    .values(state="voided", ended_at=clock.now()))


def restart_timer(incident: Incident) -> None:
    """After a reassignment the present level's time counts anew."""
    run = queries.running(incident.id)
    if run is not None and run.level >= 0:
        run.next_at = rules.due(clock.now(), int(run.levels[run.level]["timeout"]))


def say(kind: Kind, incident: Incident, run: Run, **data: object) -> None:
    """In the timeline of the incident, by the system."""
    record(kind, incident.ref, by=SYSTEM, also=["incidents"], run=run.id, **data)


def hand_on(values: Mapping[str, Any], *, by: Actor) -> None:
    """Save a service under another team; it goes on paging by the policy that counted for it."""
    service = service_by_key(values["key"])
    former = queries.policy_for(service, service.team) if service is not None else None
    saved = save_service(values, by=by)
    if former is not None:
        set_service_policy(saved, former.key, by=by)
