"""A policy as the configuration document writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from app.core.db import session
from app.core.forms import duration_text
from app.escalation import rules
from app.escalation.models import Policy
from app.identity.models import Team, User
from app.notifications.queries import room_keys
from app.oncall.models import Schedule
from app.webhooks.models import Webhook

Names = dict[str, dict[int, str]]
MODELS: dict[str, Any] = {"user": User, "schedule": Schedule, "team": Team, "webhook": Webhook}


def policy_document(policy: Policy) -> dict[str, Any]:
    """The policy as the configuration document writes it."""
    return policy_documents([policy])[0]


def policy_documents(policies: Sequence[Policy]) -> list[dict[str, Any]]:
    """The same of many, whose teams and targets are read at once."""
    names = _names(target for policy in policies for level in policy.levels for target in level["targets"])
    owners = _named("team", {policy.team_id for policy in policies if policy.team_id})
    return [{"key": policy.key, "name": policy.name, "team": owners.get(policy.team_id or 0), "repeat": policy.repeat,
             "repeat_from": policy.repeat_from + 1, "levels": [_level(level, names) for level in policy.levels]}
            for policy in policies]


def _level(level: dict[str, Any], names: Names) -> dict[str, Any]:
    return {"timeout": duration_text(level["timeout"]),
            "targets": [_target(target, names) for target in level["targets"]],
            **({"when": level["when"]} if level.get("when") else {})}


def target_document(target: dict[str, Any]) -> dict[str, Any]:
    """The target as the configuration document writes it; None where it is gone."""
    return _target(target, _names([target]))


def _target(target: dict[str, Any], names: Names) -> dict[str, Any]:
    kind = rules.kind_of(target)
    more = {name: target[name] for name in ("pick", "next") if name in target}
    if kind == "users":
        return {kind: [names["user"][key] for key in target[kind] if key in names["user"]], **more}
    return {kind: names[kind].get(target[kind]), **({} if kind == "room" else more)}


def _names(targets: Iterable[dict[str, Any]]) -> Names:
    """What the document calls those whom targets mean, by kind and id."""
    ids: dict[str, set[int]] = {kind: set() for kind in (*MODELS, "room")}
    for target in targets:
        kind = rules.kind_of(target)
        ids["user" if kind == "users" else kind].update(target[kind] if kind == "users" else [target[kind]])
    return {"room": room_keys(ids["room"]), **{kind: _named(kind, ids[kind]) for kind in MODELS}}


def _named(kind: str, ids: set[int]) -> dict[int, str]:
    model = MODELS[kind]
    name = User.email if model is User else model.key
    return {key: text for key, text in session.execute(select(model.id, name).where(model.id.in_(ids)))} if ids else {}
