"""Whom a level means right now: people on duty, named, next in turn; rooms and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from app.core import clock, isolation
from app.core.db import session
from app.escalation import rules, turns
from app.escalation.known import Known
from app.escalation.models import Run
from app.identity.models import Team, User
from app.identity.queries import admins
from app.notifications.channel_models import Room
from app.oncall.models import Schedule
from app.webhooks.models import Webhook

log = structlog.get_logger()


@dataclass
class Resolved:
    """Whom a level means now: reason by user id; `lost`: whom nothing reaches; `turns`: who is next, by rotation.

    `rooms`: where it is posted, `hooks`: what is called, name by id. Both are nobody: only a level that names no person is
    content with them.
    """

    people: dict[int, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    turns: dict[str, tuple[list[int], int]] = field(default_factory=dict)
    lost: list[int] = field(default_factory=list)
    rooms: dict[int, str] = field(default_factory=dict)
    hooks: dict[int, str] = field(default_factory=dict)
    posts_only: bool = False

    @property
    def counts(self) -> bool:
        """Whether the level has its time: somebody is paged, or a post or a call was all it asked for."""
        return bool(self.people or (self.posts_only and (self.rooms or self.hooks)))


def words(found: Resolved) -> str:
    """Where a level is posted: `a post in #payments and #all, a call of Chat ops`; nothing without a room or webhook."""
    posts = [f"a post in {' and '.join(found.rooms.values())}"] if found.rooms else []
    return ", ".join([*posts, *([f"a call of {' and '.join(found.hooks.values())}"] if found.hooks else [])])


def whom(level: Mapping[str, Any], at: datetime, *, severity: str = "", urgency: str = "",
         known: Known | None = None) -> Resolved:
    """The people a level means at `at`: nobody while its condition does not hold."""
    if reason := rules.unmet(level.get("when"), at, severity=severity, urgency=urgency):
        return Resolved(problems=[reason])
    return resolve(level["targets"], at, known)


def resolve(targets: list[dict[str, Any]], at: datetime, known: Known | None = None) -> Resolved:
    """The people these targets mean at `at`, each once, only those whom some method reaches. `known`: what was read ahead
    for this instant."""
    found, known = Resolved(posts_only=rules.posts_only(targets)), known or Known(at)
    for target in targets:
        try:
            _add(found, target, known)
        except isolation.FAILS_ALL:
            raise
        except Exception as fault:  # one schedule that can't be worked out must not keep the others from being paged
            log.exception("target.failed", target=dict(target))
            found.problems.append(f"its {rules.kind_of(target) or 'target'} can't be worked out: {isolation.words(fault)}")
    usable = known.reachable(found.people)
    for user_id in [user_id for user_id in found.people if user_id not in usable]:
        found.problems.append(f"{session.get_one(User, user_id).name} has no proven contact method")
        found.lost.append(user_id)
        del found.people[user_id]
    return found


def _add(found: Resolved, target: Mapping[str, Any], known: Known) -> None:
    kind = rules.kind_of(target)
    if turns.rotation(target):
        _turn(found, target, known)
    else:
        (_next if target.get("next") else _TARGETS[kind])(found, target[kind], known)


def _turn(found: Resolved, target: Mapping[str, Any], known: Known) -> None:
    """The first in line whom some method reaches; those before keep their place and are named."""
    several = Resolved()
    kind = rules.kind_of(target)
    for key in target[kind] if kind == "users" else [target[kind]]:
        _TARGETS["user" if kind == "users" else kind](several, key, known)
    line = known.line(target, target[kind] if kind == "users" else list(several.people))
    usable = known.reachable(several.people)
    chosen = next((one for one in line if one in usable), None)
    before = [one for one in line[:None if chosen is None else line.index(chosen)] if one in several.people]
    found.problems += several.problems
    found.problems += [f"{session.get_one(User, one).name} has no proven contact method" for one in before]
    if chosen is not None:
        found.turns[turns.rotation(target)] = (line, chosen)
        found.people.setdefault(chosen, f"{several.people[chosen]}, whose turn it is")


def _next(found: Resolved, key: int, known: Known) -> None:
    """On duty after the next hand-off; the same people once more are passed over."""
    schedule = session.get(Schedule, key)
    if schedule is None:
        found.problems.append("a schedule of this level was deleted")
        return
    now, coming = set(known.on_duty(schedule).people), known.shifts(schedule)
    later = next((one for one in coming if one.start and one.start > known.at and set(one.people) - now), None)
    if later is None:
        found.problems.append(f"nobody else comes on duty in {schedule.name}")
    for user_id in later.people if later else ():
        found.people.setdefault(int(user_id), f"next on duty in {schedule.name}")


def _user(found: Resolved, key: int, known: Known) -> None:
    user = session.get(User, key)
    if user is None or not user.is_active:
        found.problems.append(f"{user.name if user else 'a removed person'} is deactivated")
        return
    found.people.setdefault(user.id, "named in the policy")


def _schedule(found: Resolved, key: int, known: Known) -> None:
    schedule = session.get(Schedule, key)
    if schedule is None:
        found.problems.append("a schedule of this level was deleted")
        return
    shift = known.on_duty(schedule)
    if not shift.people:
        until = f" until {clock.rfc3339(shift.end)}" if shift.end else ""
        found.problems.append(f"nobody on duty in {schedule.name}{until}")
    for user_id in shift.people:
        found.people.setdefault(int(user_id), f"on duty in {schedule.name}")


def _team(found: Resolved, key: int, known: Known) -> None:
    team, members = session.get(Team, key), known.responders(key)
    if team is None or not members:
        found.problems.append(f"{team.name if team else 'a deleted team'} has no responder")
    for member in members:
        found.people.setdefault(member.id, f"in team {team.name if team else ''}")


def _room(found: Resolved, key: int, known: Known) -> None:
    room = session.get(Room, key)
    if room is None or room.removed_at is not None:
        found.problems.append("a room of this level was removed")
        return
    found.rooms.setdefault(room.id, room.name or f"the room of {room.channel}")


def _webhook(found: Resolved, key: int, known: Known) -> None:
    hook = session.get(Webhook, key)
    if hook is None or hook.off_at is not None:
        found.problems.append(f"the webhook {hook.name} is switched off" if hook else "a webhook of this level was deleted")
        return
    found.hooks.setdefault(hook.id, hook.name)


def _admins(found: Resolved, key: object, known: Known) -> None:
    for user in admins():
        found.people.setdefault(user.id, "platform admin")
    if not found.people:
        found.problems.append("there is no active platform admin")


_TARGETS = {"user": _user, "schedule": _schedule, "team": _team, "room": _room, "webhook": _webhook, "admins": _admins}


def hollow(run: Run) -> bool:
    """Whether a further round would only post in rooms and page nobody: the catch-all takes over instead."""
    known = {"severity": run.incident.severity, "urgency": run.incident.urgency}
    return any(rules.posts_only(level["targets"]) for level in run.levels) and not any(
        whom(level, clock.now(), **known).people for level in run.levels)
