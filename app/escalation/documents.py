"""A policy as the configuration document writes it."""

from __future__ import annotations

from typing import Any

from app.core.db import session
from app.core.forms import duration_text
from app.escalation import rules
from app.escalation.models import Policy
from app.identity.models import Team, User
from app.notifications.channel_models import Room
from app.notifications.queries import room_key
from app.oncall.models import Schedule
from app.webhooks.models import Webhook


def policy_document(policy: Policy) -> dict[str, Any]:
    """The policy as the configuration document writes it."""
    team = session.get(Team, policy.team_id) if policy.team_id else None
    levels = [{"timeout": duration_text(level["timeout"]),
               "targets": [target_document(target) for target in level["targets"]],
               **({"when": level["when"]} if level.get("when") else {})} for level in policy.levels]
    return {"key": policy.key, "name": policy.name, "team": team.key if team else None, "repeat": policy.repeat,
            "repeat_from": policy.repeat_from + 1, "levels": levels}


def target_document(target: dict[str, Any]) -> dict[str, Any]:
    """The target as the configuration document writes it; None where it is gone."""
    kind = rules.kind_of(target)
    more = {name: target[name] for name in ("pick", "next") if name in target}
    if kind == "users":
        people = [session.get(User, key) for key in target[kind]]
        return {kind: [one.email for one in people if one], **more}
    if kind == "room":
        room = session.get(Room, target[kind])
        return {kind: room_key(room) if room else None}
    model: Any = {"user": User, "schedule": Schedule, "team": Team, "webhook": Webhook}[kind]
    found = session.get(model, target[kind])
    return {kind: None if found is None else getattr(found, "email" if kind == "user" else "key"), **more}
