"""What the pages of policies show: one dataclass a page."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.forms import duration_text
from app.escalation import queries, rules
from app.escalation.known import Known, read_ahead
from app.escalation.models import Policy, Run, TeamPolicy
from app.escalation.targets import Resolved, resolve, words
from app.identity.models import Team, User
from app.identity.queries import allow, may, may_anywhere, visible_teams
from app.notifications.channel_models import Room
from app.oncall.models import Schedule
from app.webhooks.models import Webhook

SHORT = 60
DRAWN = {True: ("human", "bell"), False: ("info", "chat")}
ROOMS_ONLY = "It pages nobody: all its levels only post in rooms or call webhooks"
KINDS: dict[str, tuple[Any, str, str]] = {"user": (User, "user", ""), "schedule": (Schedule, "calendar", ""),
                                          "team": (Team, "users", "Team "), "room": (Room, "chat", "Room "),
                                          "webhook": (Webhook, "webhook", "Webhook ")}


@dataclass(frozen=True)
class TargetView:
    """One target, and whom it means now; `problem` is why it means nobody, or not everybody."""

    name: str
    icon: str
    people: list[str]
    problem: str


@dataclass(frozen=True)
class LevelView:
    """One level; `after` is when it is paged if nobody answers before."""

    number: int
    after: str
    timeout: str
    targets: list[TargetView]
    condition: str = ""


@dataclass(frozen=True)
class Step:
    """One line of "if it happened now"."""

    at: str
    text: str
    tone: str
    icon: str
    sub: str = ""


@dataclass(frozen=True)
class PolicyRow:
    """A policy in the list."""

    policy: Policy
    first: list[str]
    used_by: list[str]
    warnings: list[str]

    @property
    def id(self) -> int:
        """The policy's."""
        return self.policy.id


@dataclass(frozen=True)
class PoliciesPage:
    """All policies that the person may know of."""

    rows: list[PolicyRow]
    may_add: bool


@dataclass(frozen=True)
class PolicyPage:
    """One policy: its levels and whom each means right now."""

    policy: Policy
    levels: list[LevelView]
    steps: list[Step]
    used_by: list[str]
    warnings: list[str]
    defaults: list[tuple[Team, bool]]
    teams: list[tuple[str, str]]
    services: list[Service]
    may_serve: bool
    running: int
    older: int
    may_edit: bool
    at: datetime
    problem: str = ""


@dataclass
class Looking:
    """Remembers within one page whom levels mean at one instant."""

    at: datetime
    read: Known | None = None
    known: dict[str, Resolved] = field(default_factory=dict)

    def level(self, level: dict[str, Any], after: int = 0) -> Resolved:
        """Whom the level means then: nobody outside its hours; any severity counts."""
        reason = rules.unmet(level.get("when"), self.at + timedelta(seconds=after))
        return Resolved(problems=[reason]) if reason else self.whom(level["targets"], after)

    def whom(self, targets: list[dict[str, Any]], after: int = 0) -> Resolved:
        """Whom the targets mean `after` seconds later."""
        key = json.dumps([targets, after])
        if key not in self.known:
            self.known[key] = resolve(targets, self.at + timedelta(seconds=after), None if after else self.read)
        return self.known[key]


def names(found: Resolved, known: Known | None = None) -> list[str]:
    """The people by name, in the order of the targets."""
    return (known or Known(clock.now())).names(found.people)


def policies_page(by: Actor) -> PoliciesPage:
    """The list by name."""
    seen = visible_teams(by)
    query = select(Policy).order_by(Policy.name, Policy.id)
    if seen is not None:
        query = query.where(or_(Policy.team_id.is_(None), Policy.team_id.in_(seen)))
    policies, now = session.scalars(query.options(selectinload(Policy.team))).all(), clock.now()
    looking = Looking(now, read_ahead((level for policy in policies for level in policy.levels), now))
    users = queries.users_of_all(policies, by)
    rows = [PolicyRow(one, _first(one, looking), users[one.id], warnings(one, looking)) for one in policies]
    return PoliciesPage(rows, may_anywhere(by, "policy.edit"))


def _first(policy: Policy, looking: Looking) -> list[str]:
    """Whom its first level pages that is for people at all."""
    level = next((one for one in policy.levels if not rules.posts_only(one["targets"])), None)
    return names(looking.whom(level["targets"]), looking.read) if level else []


def warnings(policy: Policy, looking: Looking) -> list[str]:
    """What somebody should look at before it is needed, as sentences."""
    if not policy.levels:
        return ["It has no level: the team's default or the catch-all is used instead"]
    found = [ROOMS_ONLY] if all(rules.posts_only(level["targets"]) for level in policy.levels) else []
    for number, level in enumerate(policy.levels, 1):
        whom = looking.whom(level["targets"])
        if not whom.counts:
            found.append(f"Level {number} means nobody right now: {'; '.join(whom.problems) or 'it has no target'}")
        else:
            found += [f"Level {number}: {problem}" for problem in whom.problems]
        if level["timeout"] < SHORT:
            found.append(f"Level {number} has less than a minute to answer")
    return found


def policy_for(key: str, by: Actor) -> Policy:
    """The policy, if the person may know of it. Raises NotFound."""
    found = queries.policy_by_key(key)
    if found is None:
        raise NotFound
    allow(by, "team.read", team_id=found.team_id)
    return found


def policy_page(key: str, by: Actor, *, problem: str = "") -> PolicyPage:
    """The page of one policy. Raises NotFound."""
    policy = policy_for(key, by)
    looking = Looking(clock.now())
    used = set(session.scalars(select(TeamPolicy.team_id).where(TeamPolicy.policy_id == policy.id)))
    teams = list(session.scalars(select(Team).where(Team.archived_at.is_(None) | Team.id.in_(used)).order_by(Team.name)))
    mine = {team.id for team in teams if may(by, "team.edit", team_id=team.id)}
    versions = dict(session.execute(select(Run.policy_version, func.count()).where(
        Run.policy_id == policy.id, Run.state == "running").group_by(Run.policy_version)).all())
    return PolicyPage(
        policy=policy, levels=levels_of(policy, looking), steps=steps_of(policy, looking),
        used_by=queries.users_of(policy, by), warnings=warnings(policy, looking),
        defaults=[(team, team.id in mine) for team in teams if team.id in used and may(by, "team.read", team_id=team.id)],
        teams=[(team.key, team.name) for team in teams if team.id in mine - used], may_serve=bool(mine),
        services=[one for one in queries.services_of(policy) if may(by, "service.edit", team_id=one.team_id)],
        running=sum(versions.values()), older=sum(versions.values()) - versions.get(policy.version, 0),
        may_edit=may(by, "policy.edit", team_id=policy.team_id), at=looking.at, problem=problem)


def levels_of(policy: Policy, looking: Looking) -> list[LevelView]:
    """The ladder."""
    found, seconds = [], 0
    for number, level in enumerate(policy.levels, 1):
        after = "at once" if number == 1 else f"after {duration_text(seconds)}"
        found.append(LevelView(number, after, duration_text(level["timeout"]),
                               [_target(one, looking) for one in level["targets"]],
                               rules.condition_text(level.get("when"))))
        seconds += level["timeout"]
    return found


def _target(target: dict[str, Any], looking: Looking) -> TargetView:
    kind, whom = rules.kind_of(target), looking.whom([target])
    if kind == "users":
        people = [session.get(User, key) for key in target[kind]]
        return TargetView(f"In turn: {', '.join(one.name for one in people if one)}", "refresh", names(whom),
                          "; ".join(whom.problems))
    model, icon, prefix = KINDS[kind]
    thing = session.get(model, target[kind])
    how = ", one in turn" if target.get("pick") else ", next on duty" if target.get("next") else ""
    return TargetView(f"{prefix}{thing.name}{how}" if thing else f"a {kind} that was deleted", icon, names(whom),
                      "; ".join(whom.problems))


def steps_of(policy: Policy, looking: Looking) -> list[Step]:
    """What would happen, nobody answering: one round, how often it is repeated, and what comes last."""
    found, at, before = [], 0, 0
    for number, level in enumerate(policy.levels, 1):
        before = at if number == policy.repeat_from + 1 else before
        whom = looking.level(level, at)
        if whom.counts:
            note = rules.condition_text(level.get("when"))
            found.append(Step(_clock(at), ", ".join(names(whom)) or words(whom), *DRAWN[bool(whom.people)],
                              f"level {number}{', ' if note else ''}{note}"))
            at += int(level["timeout"])
        else:
            reason = "; ".join(whom.problems) or "it has no target"
            found.append(Step(_clock(at), f"Level {number} skipped", "caution", "warn", reason))
    repeat = policy.repeat if any(one.tone == "human" for one in found) else 0
    if at and repeat:
        times = "once more" if repeat == 1 else f"{repeat} times more"
        found.append(Step(_clock(at), f"from level {policy.repeat_from + 1} again, {times}", "quiet", "refresh"))
    last = "nobody is left to ask" if policy.key == rules.CATCH_ALL else "the catch-all policy"
    return [*found, Step(_clock(at + (at - before) * repeat), last, "danger", "escalate")]


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
