"""Commands on policies: save from the fields of the configuration document, set defaults, delete."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import db, session
from app.core.errors import Conflict, Invalid, Problem
from app.core.events import record
from app.core.forms import Problems, check_key, check_text, duration, time_zone
from app.core.matching import DAYS
from app.escalation import events, queries, rules
from app.escalation.documents import policy_document
from app.escalation.models import Policy, Run, TeamPolicy
from app.identity.models import Team
from app.identity.queries import allow, team_by_key, team_named, user_by_email, visible_teams
from app.incidents.rules import SEVERITIES
from app.notifications.channel_models import Room
from app.notifications.queries import rooms_called
from app.oncall.models import Schedule
from app.oncall.queries import schedule_by_key
from app.webhooks.models import Webhook
from app.webhooks.queries import webhook_by_key

CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
FINDERS: dict[str, Any] = {"user": user_by_email, "users": user_by_email, "schedule": schedule_by_key, "team": team_by_key,
                           "room": lambda key: next(iter(rooms_called(key)), None), "webhook": webhook_by_key}


def save_policy(values: Mapping[str, Any], *, by: Actor) -> Policy:
    """Create or change the policy of this key; left-out fields stay. Runs in flight keep their frozen copy."""
    key = _checked_key(values)
    policy = queries.policy_by_key(key)
    before = None if policy is None else policy_document(policy)
    if policy is None:
        policy = Policy(key=key, name=str(values.get("name") or key), repeat=1, levels=[], version=0)
    else:
        allow(by, "policy.edit", team_id=policy.team_id)
    _fill(policy, values, by)
    allow(by, "policy.edit", team_id=policy.team_id)
    session.add(policy)
    session.flush()
    after = policy_document(policy)
    if before != after:
        policy.version += 1
        record(events.POLICY_CHANGED if before else events.POLICY_CREATED, policy.ref, by=by,
               also=_also(policy), name=policy.name, before=before, after=after)
    return policy


def add_policy(values: Mapping[str, Any], *, by: Actor) -> Policy:
    """A new policy; a key that is taken is refused, never its owner's changed."""
    if queries.policy_by_key(_checked_key(values)) is not None:
        raise Invalid(problems=[Problem("key", "Another policy has this key")])
    return save_policy(values, by=by)


def _checked_key(values: Mapping[str, Any]) -> str:
    problems = Problems()
    key = problems.take("key", check_key, values.get("key"))
    problems.raise_if_any()
    return key or ""


def _fill(policy: Policy, values: Mapping[str, Any], by: Actor) -> None:
    """Take what is named, all of it or nothing."""
    problems = Problems()
    found: dict[str, Any] = {}
    if "name" in values:
        found["name"] = problems.take("name", check_text, values["name"], least=1, most=100, label="A name")
    if "team" in values:
        team = team_named(values["team"], by)
        if values["team"] and team is None:
            problems.add("team", f"There is no team {values['team']}")
        found["team_id"] = team.id if team else None
    if "repeat" in values:
        if type(values["repeat"]) is not int or not 0 <= values["repeat"] <= rules.REPEATS:
            problems.add("repeat", f"A policy is repeated 0 to {rules.REPEATS} times")
        found["repeat"] = values["repeat"]
    if "repeat_from" in values:
        found["repeat_from"] = _repeat_from(values, policy, problems)
    if "levels" in values:
        levels = values["levels"] or []
        if not 1 <= len(levels) <= rules.LEVELS:
            problems.add("levels", f"A policy has 1 to {rules.LEVELS} levels")
        found["levels"] = [_level(level, problems.at(f"levels[{number}]")) for number, level in enumerate(levels)]
        _hide(found["levels"], levels, policy.levels or [], by=by, problems=problems)
    problems.raise_if_any()
    for name, value in found.items():
        setattr(policy, name, value)
    policy.repeat_from = min(policy.repeat_from or 0, max(len(policy.levels) - 1, 0))


def _hide(found: list[dict[str, Any]], said: Any, former: list[dict[str, Any]], *,
          by: Actor, problems: Problems) -> None:
    """What the editor may not know of is as if it were not there, but what stood before."""
    seen, kept = visible_teams(by), [target for level in former for target in level["targets"]]
    for at, level in enumerate(found if seen is not None else ()):
        for number, target in enumerate(level["targets"]):
            kind = next((one for one in ("team", "schedule", "room", "webhook") if one in target), "")
            owned: Any = {"schedule": Schedule, "room": Room, "webhook": Webhook}.get(kind)
            owner = session.get_one(owned, target[kind]).team_id if owned else target.get("team")
            if kind and owner is not None and owner not in (seen or ()) and target not in kept:
                problems.add(f"levels[{at}].targets[{number}].{kind}",
                             f"There is no {kind} {said[at]['targets'][number][kind]}")


def _repeat_from(values: Mapping[str, Any], policy: Policy, problems: Problems) -> int:
    """The level with which each repeat begins, from 0."""
    number, levels = values["repeat_from"], len(values.get("levels", policy.levels) or [])
    if type(number) is not int or not 1 <= number <= max(levels, 1):
        problems.add("repeat_from", f"There is no such level: it has {levels}")
        return 0
    return number - 1


def _level(level: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    timeout = problems.take("timeout", duration, level.get("timeout", "5m"))
    if timeout is not None and not rules.SHORTEST <= timeout <= rules.LONGEST:
        problems.add("timeout", "A level has 5 seconds to 24 hours")
    targets = level.get("targets") or []
    if not 1 <= len(targets) <= rules.TARGETS:
        problems.add("targets", f"A level has 1 to {rules.TARGETS} targets")
    when = _when(level.get("when") or {}, problems.at("when"))
    return {"timeout": timeout, "targets": [_target(target, problems.at(f"targets[{number}]"))
                                            for number, target in enumerate(targets)], **({"when": when} if when else {})}


def _when(when: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """The condition of a level, without what says nothing."""
    for name, known in (("severity", SEVERITIES), ("days", DAYS)):
        if set(when.get(name) or ()) - set(known):
            problems.add(name, f"Choose from {', '.join(known)}")
    if when.get("urgency") not in (None, "", "high", "low"):
        problems.add("urgency", "An urgency is high or low")
    for name in ("from", "to"):
        if when.get(name) and not CLOCK.fullmatch(str(when[name])):
            problems.add(name, "Write a time like 09:00")
    if when.get("time_zone"):
        problems.take("time_zone", time_zone, when["time_zone"])
    return {name: value for name, value in when.items() if value and name in ("severity", "urgency", *rules.HOURS)}


def _target(target: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    kind, more = rules.kind_of(target), {name: target[name] for name in ("pick", "next") if target.get(name)}
    if kind not in FINDERS or set(target) - {kind, "pick", "next"} or len(more) > 1:
        problems.add("", "A target is one of user, schedule, team, users, room or webhook")
        return {}
    fits = "pick" in more if kind == "users" else kind not in ("user", *rules.NOBODY) or "pick" not in more
    if not fits or more.get("pick", "round_robin") != "round_robin" or ("next" in more and kind != "schedule"):
        problems.add("", "People of a list, a team or a schedule take turns with pick: round_robin; "
                         "next: true goes with a schedule")
        return {}
    if kind == "users":
        return {"users": _people(target["users"], problems), **more}
    found = _found(kind, target[kind], problems)
    return {kind: found, **more} if found else {}


def _found(kind: str, key: object, problems: Problems) -> int | None:
    found = FINDERS[kind](key) if isinstance(key, str) else None
    if found is None:
        problems.add(kind, f"There is no {kind} {key}")
    if kind == "room" and isinstance(key, str) and len(rooms_called(key)) > 1:
        problems.add(kind, f"Several rooms are called {key}; name one of {_keys(key)}")
    if isinstance(found, Schedule) and found.archived_at is not None:
        problems.add(kind, f"The schedule {key} is archived; restore it or name another")
    return found.id if found is not None else None


def _keys(name: str) -> str:
    return ", ".join(one.key for one in sorted(rooms_called(name), key=lambda one: one.id))


def _people(emails: object, problems: Problems) -> list[int]:
    if not isinstance(emails, list) or not 2 <= len(set(emails)) <= rules.TARGETS:
        problems.add("users", f"2 to {rules.TARGETS} people take turns")
        return []
    return [found for found in (_found("user", one, problems) for one in dict.fromkeys(emails)) if found]


def set_team_policy(team: Team, key: str | None, *, by: Actor) -> None:
    """Make the policy of this key the team's default; None takes it away."""
    allow(by, "team.edit", team_id=team.id)
    policy, former = _existing(key), queries.policy_of_team(team)
    if (policy and policy.id) == (former and former.id):
        return
    if policy is None:
        session.execute(delete(TeamPolicy).where(TeamPolicy.team_id == team.id))
    else:
        insert = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
        session.execute(insert(TeamPolicy).values(team_id=team.id, policy_id=policy.id).on_conflict_do_update(
            index_elements=["team_id"], set_={"policy_id": policy.id}))
    record(events.TEAM_DEFAULT_SET, team.ref, by=by, also=["policies"], team=team.name,
           policy=policy.name if policy else "nothing")


def set_service_policy(service: Service, key: str | None, *, by: Actor) -> None:
    """Let the policy of this key count for the service; None falls back to its team's."""
    allow(by, "service.edit", team_id=service.team_id)
    policy = _existing(key)
    if service.policy_id == (policy.id if policy else None):
        return
    service.policy_id = policy.id if policy else None
    session.flush()
    record(events.SERVICE_POLICY_SET, service.ref, by=by, also=["policies", f"team:{service.team_id}"], service=service.name,
           policy=policy.name if policy else "the team's")


def _also(policy: Policy) -> list[str]:
    """Whom else an event about the policy concerns; open lists of policies listen to `policies`."""
    return ["policies", *([f"team:{policy.team_id}"] if policy.team_id else [])]


def _existing(key: str | None) -> Policy | None:
    if not key:
        return None
    policy = queries.policy_by_key(key)
    if policy is None:
        raise Invalid(problems=[Problem("policy", f"There is no escalation policy {key}")])
    return policy


def remove_policy(policy: Policy, *, by: Actor) -> None:
    """Delete a policy that nothing uses; runs in flight go on with their frozen copy."""
    allow(by, "policy.edit", team_id=policy.team_id)
    if policy.key == rules.CATCH_ALL:
        raise Conflict("The catch-all policy can't be deleted")
    users = queries.users_of(policy, by)
    if users:
        raise Conflict(f"{policy.name} is used by {', '.join(users)}")
    before = policy_document(policy)
    session.execute(update(Run).where(Run.policy_id == policy.id).values(policy_id=None))
    session.delete(policy)
    session.flush()
    record(events.POLICY_DELETED, policy.ref, by=by, also=_also(policy), name=policy.name, before=before)
