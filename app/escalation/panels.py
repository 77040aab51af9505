"""What escalation adds to the pages of incidents: who is next, by what, when; whom a new incident would page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from app.catalog.models import Service
from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session
from app.core.forms import duration_text
from app.core.panels import Use
from app.escalation import holds, queries, rules, targets
from app.escalation.models import AcknowledgeTimer, Hold, Policy, Run
from app.escalation.targets import Resolved
from app.identity.models import Team, User
from app.incidents.models import Incident
from app.notifications import queries as messages
from app.notifications import rules as paging
from app.notifications.channel_models import Room
from app.oncall.models import Schedule
from app.webhooks.models import Webhook

WORDS = {"email": "mail", "sms": "SMS", "voice": "phone", "webpush": "push"}


@dataclass(frozen=True)
class NextStep:
    """What happens next by itself. `level` counts from 1; `at` None: nothing is due. `total`: seconds of the whole wait."""

    title: str
    at: datetime | None = None
    total: int = 0
    level: int = 0
    levels: int = 0
    round: int = 0
    then: str = ""
    policy: str = ""
    changed: bool = False
    catch_all: bool = False
    exhausted: bool = False
    held: bool = False
    asked: bool = False


@dataclass
class _Looking:
    """Remembers within one page whom levels mean, so that many rows of one policy ask once."""

    known: dict[str, Resolved] = field(default_factory=dict)

    def at(self, level: dict[str, Any], at: datetime, incident: Incident) -> Resolved:
        """Whom the level means at `at`, to the minute, for an incident of this severity."""
        key = json.dumps([level, at.isoformat(timespec="minutes"), incident.severity, incident.urgency])
        if key not in self.known:
            self.known[key] = targets.whom(level, at, severity=incident.severity, urgency=incident.urgency)
        return self.known[key]


def next_step(incident: Incident) -> NextStep:
    """The "next" half of the strip."""
    if incident.status != "triggered":
        return _of_timer(incident) or NextStep("Nothing is due")
    if incident.snoozed_until is not None:
        return NextStep("Paged again from level 1", at=incident.snoozed_until,
                        total=max(1, int((incident.snoozed_until - clock.now()).total_seconds())))
    held = holds.current(incident.id)
    if held is not None:
        return _of_hold(held)
    run = queries.latest(incident.id)
    if run is None:
        return NextStep("The first page, in a moment")
    if run.state == "exhausted":
        return NextStep("Nobody is left to ask", exhausted=True, policy=run.policy_name, catch_all=run.catch_all)
    if run.state != "running" or run.level < 0:
        return NextStep("The first page, in a moment")
    return _of_run(run, incident, _Looking(), changed=_changed(run))


def _of_timer(incident: Incident) -> NextStep | None:
    """Whoever has it is asked whether they still do, or was, and it is paged again unless they answer."""
    timer = session.get(AcknowledgeTimer, incident.id) if incident.status == "acknowledged" else None
    if timer is None:
        return None
    said = f"{incident.acknowledged_name} is asked: still on it?"
    said = "Paged again, unless somebody is still on it" if timer.asked_at else said
    since = timer.asked_at or incident.acknowledged_at or clock.now()
    return NextStep(said, at=timer.due_at, total=max(1, int((timer.due_at - since).total_seconds())),
                    asked=timer.asked_at is not None)


def next_of(incidents: Sequence[Incident]) -> dict[int, NextStep]:
    """The next step of each incident that has one, for the list."""
    waiting = {one.id: one for one in incidents if one.status == "triggered" and one.snoozed_until is None}
    looking = _Looking()
    runs = session.scalars(select(Run).where(Run.incident_id.in_(waiting), Run.state == "running", Run.level >= 0))
    held = session.scalars(select(Hold).where(Hold.incident_id.in_(waiting), Hold.ended_at.is_(None)))
    return {one.incident_id: _of_hold(one) for one in held} | {
        run.incident_id: _of_run(run, waiting[run.incident_id], looking) for run in runs}


def _of_hold(held: Hold) -> NextStep:
    """Held until then: paged from the first level, unless it is over."""
    return NextStep(f"Held: {held.reason}", at=held.next_at, held=True,
                    total=max(1, int((held.next_at - held.since).total_seconds())))


def held_by(rows: Sequence[Any]) -> dict[str, list[int]]:
    """By window: the incidents whose pages it holds now."""
    found: dict[str, list[int]] = {}
    sources = [row.window.ref for row in rows]
    for source, number in session.execute(select(Hold.source, Hold.incident_id).where(
            Hold.source.in_(sources), Hold.ended_at.is_(None)).order_by(Hold.incident_id)):
        found.setdefault(source, []).append(number)
    return found


def _of_run(run: Run, incident: Incident, looking: _Looking, *, changed: bool = False) -> NextStep:
    """The next level that means somebody at its time; empty ones are passed over, as the clock will do."""
    present = rules.Step(run.level, run.round)
    ahead = rules.ahead(present, run.levels, run.repeat, run.repeat_from)
    if targets.hollow(run):
        ahead = [(step, seconds) for step, seconds in ahead if step.round == run.round]
    offset = ahead[0][1] if ahead else 0
    known: dict[str, Any] = {"at": run.next_at, "total": int(run.levels[run.level]["timeout"]), "levels": len(run.levels),
                             "policy": run.policy_name, "changed": changed, "catch_all": run.catch_all}
    for position, (step, seconds) in enumerate(ahead):
        found = looking.at(run.levels[step.level], run.next_at + timedelta(seconds=seconds - offset), incident)
        if found.counts:
            return NextStep(_who(found, incident), level=step.level + 1, round=step.round + 1,
                            then=_then(run, incident, ahead[position:position + 2], looking), **known)
    return NextStep("The policy is at its end" if run.catch_all else "The catch-all policy", **known)


def _who(found: Resolved, incident: Incident) -> str:
    """`Bob by phone`, `Ana, Bob and 3 more by mail`: the methods of the first one's rules that come at once."""
    names = _names(found)
    if not found.people:
        return names
    first = next(iter(found.people))
    methods, own = messages.usable([first]), messages.rules_of([first], incident.urgency)
    channels = {method.id: method.channel for method in methods.get(first, [])}
    steps = paging.plan(own.get(first, []), [paging.Method(key, channel) for key, channel in channels.items()],
                        severity=incident.severity, urgency=incident.urgency)
    words = dict.fromkeys(WORDS.get(channels[step.method_id], channels[step.method_id]) for step in steps if step.after == 0)
    return f"{names} by {' and '.join(words)}" if words else names


def _names(found: Resolved) -> str:
    people = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(found.people)))}
    names = [people[key] for key in found.people if key in people]
    if not names:
        return targets.words(found)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _then(run: Run, incident: Incident, steps: list[tuple[rules.Step, int]], looking: _Looking) -> str:
    """`then Cem after 10m`: what follows the next level."""
    wait = duration_text(int(run.levels[steps[0][0].level]["timeout"]))
    if len(steps) < 2:
        return "" if run.catch_all else f"then the catch-all policy after {wait}"
    found = looking.at(run.levels[steps[1][0].level], run.next_at, incident)
    return f"then {_names(found) or 'nobody'} after {wait}"


def _changed(run: Run) -> bool:
    policy = session.get(Policy, run.policy_id) if run.policy_id else None
    return run.policy_id is not None and (policy is None or policy.version != run.policy_version)


def would_page(place: tuple[Service | None, Team | None]) -> list[tuple[str, str]]:
    """Whom a new incident of this service or team would page: (level, who), as of now."""
    policy = queries.policy_for(*place)
    levels = (queries.frozen(policy) if policy else queries.catch_all()).levels
    found = [targets.whom(level, clock.now()) for level in levels[:5]]
    return [(f"Level {number}", _names(one) if one.counts else "; ".join(one.problems) or "nobody")
            for number, one in enumerate(found, 1)]


def team_health(team: Team) -> list[tuple[str, str]]:
    """Whether anybody is paged for the team at all: a default policy, and no policy without a level."""
    found = [] if queries.policy_of_team(team) else [("No policy", "What is broken pages the catch-all, not this team")]
    for policy in session.scalars(select(Policy).where(Policy.team_id == team.id).order_by(Policy.name)):
        if not any(level.get("targets") for level in policy.levels):
            found.append(("Empty policy", f"{policy.name} pages nobody"))
        elif _pages_nobody(policy):
            found.append(("Pages nobody", f"{policy.name} only posts in rooms or calls webhooks"))
    return found


def ailments() -> list[str]:
    """A sentence for each policy in use that pages nobody; for one without a level another one counts."""
    gone = select(Team.id).where(Team.archived_at.is_not(None))
    return [f"The policy {policy.name} pages nobody: {why}. Name people, a schedule or a team in it."
            for policy in session.scalars(select(Policy).order_by(Policy.name).where(
                or_(Policy.team_id.is_(None), Policy.team_id.not_in(gone))))
            if policy.levels and (why := _pages_nobody(policy)) and queries.users_of(policy, OPERATOR)]


def _pages_nobody(policy: Policy) -> str:
    """Why not; "" if it pages somebody."""
    if not any(level.get("targets") for level in policy.levels):
        return "no level has a target"
    return "it only posts in rooms or calls webhooks" if all(rules.posts_only(it["targets"]) for it in policy.levels) else ""


def run_documents(incidents: Sequence[Incident]) -> dict[int, dict[str, Any]]:
    """The panel of each incident's document: level (from 1), when the next is due, rounds left."""
    ids = [one.id for one in incidents]
    held = {one.incident_id: one for one in session.scalars(select(Hold).where(
        Hold.incident_id.in_(ids), Hold.ended_at.is_(None)))}
    runs = {one.incident_id: one for one in session.scalars(select(Run).where(
        Run.incident_id.in_(ids), Run.state == "running"))}
    return {one.id: _run_document(one, held.get(one.id), runs.get(one.id)) for one in incidents}


def _run_document(incident: Incident, held: Hold | None, run: Run | None) -> dict[str, Any]:
    if held is not None:
        return {"level": None, "next_at": clock.rfc3339(held.next_at), "repeats_left": None, "held": held.reason}
    if run is None or incident.status != "triggered" or incident.snoozed_until is not None:
        return {"level": None, "next_at": None, "repeats_left": None}
    return {"level": run.level + 1, "next_at": clock.rfc3339(run.next_at), "repeats_left": run.repeat - run.round}


def policies_using(schedule: Schedule) -> list[Use]:
    """The policies that have this schedule as a target."""
    return _policies_with("schedule", schedule.id)


def policies_posting_in(room: Room) -> list[Use]:
    """The policies that have this room as a target."""
    return _policies_with("room", room.id)


def policies_calling(webhook: Webhook) -> list[Use]:
    """The policies that have this webhook as a target."""
    return _policies_with("webhook", webhook.id)


def _policies_with(kind: str, key: int) -> list[Use]:
    return [Use(policy.name, team_id=policy.team_id) for policy in session.scalars(select(Policy).order_by(Policy.name))
            if any(target.get(kind) == key for level in policy.levels for target in level["targets"])]
