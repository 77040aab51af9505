"""Reads on contact methods, rules and messages."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.core import clock, secrets
from app.core.db import session
from app.core.forms import duration_text
from app.core.metrics import Figure
from app.identity.models import User
from app.incidents.models import Incident
from app.notifications import rules
from app.notifications.channel_models import ProviderState, Room
from app.notifications.models import ContactMethod, Message, NotificationRule


def methods_of(user: User) -> list[ContactMethod]:
    """All contact methods of a person, in the order they were added."""
    return list(session.scalars(select(ContactMethod).where(ContactMethod.user_id == user.id,
                                                             ContactMethod.removed_at.is_(None))
                                .order_by(ContactMethod.id)))


def usable(user_ids: Iterable[int]) -> dict[int, list[ContactMethod]]:
    """The proven, enabled methods of these people."""
    found: dict[int, list[ContactMethod]] = defaultdict(list)
    for method in session.scalars(select(ContactMethod).where(
            ContactMethod.user_id.in_(list(user_ids)), ContactMethod.proven_at.is_not(None),
            ContactMethod.disabled_at.is_(None), ContactMethod.removed_at.is_(None)).order_by(ContactMethod.id)):
        found[method.user_id].append(method)
    return dict(found)


def reachable(user_ids: Iterable[int]) -> set[int]:
    """Those of these people whom some method reaches."""
    return set(usable(user_ids))


def rules_of(user_ids: Collection[int], urgency: str) -> dict[int, list[rules.Rule]]:
    """The people's own rules for an urgency, in their order."""
    found: dict[int, list[rules.Rule]] = defaultdict(list)
    for rule in session.scalars(select(NotificationRule).where(
            NotificationRule.user_id.in_(list(user_ids)), NotificationRule.urgency == urgency)
            .order_by(NotificationRule.after, NotificationRule.position)):
        found[rule.user_id].append(rules.Rule(rule.after, rule.method_id))
    return dict(found)


def data_of(method: ContactMethod) -> dict[str, Any]:
    """What the channel stored with the address, decrypted."""
    if method.data_sealed is None:
        return {}
    found: dict[str, Any] = json.loads(secrets.open_(method.data_sealed, bound_to=f"contact_method:{method.id}/data"))
    return found


def messages_of(incident: Incident) -> list[Message]:
    """Every message about an incident, in the order they were queued."""
    return list(session.scalars(select(Message).where(Message.incident_id == incident.id).options(
        joinedload(Message.user)).order_by(Message.id).limit(2000)))


def paged_in(run_id: int, round_: int) -> list[int]:
    """Who was paged in this round of a run."""
    return list(session.scalars(select(Message.user_id).where(
        Message.run_id == run_id, Message.round == round_, Message.kind == "page").distinct()))


def message_document(message: Message) -> dict[str, Any]:
    """The message as machines get it (CONTRACT.md); the address is masked."""
    return {
        "id": str(message.id), "kind": message.kind, "user": {"email": message.user.email, "name": message.user.name},
        "channel": message.channel, "address": rules.masked(message.channel, message.address),
        "reason": message.reason, "state": message.state, "attempts": message.attempts,
        "queued_at": clock.rfc3339(message.queued_at), "next_at": clock.rfc3339(message.next_at),
        "started_at": clock.rfc3339(message.started_at), "sent_at": clock.rfc3339(message.sent_at),
        "delivered_at": clock.rfc3339(message.delivered_at), "provider": message.provider,
        "provider_id": message.provider_id, "error": message.error or None,
        "level": None if message.level is None else message.level + 1,
    }


def contact_documents(user_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """The contact methods of these people as the configuration document writes them; what a browser made for itself is left
    out."""
    found: dict[int, list[dict[str, Any]]] = {key: [] for key in user_ids}
    for method in session.scalars(select(ContactMethod).where(
            ContactMethod.user_id.in_(user_ids), ContactMethod.removed_at.is_(None), ContactMethod.channel != "webpush")
            .order_by(ContactMethod.id)):
        found[method.user_id].append({"name": method.name, "channel": method.channel, "address": method.address,
                                      "verified": method.proven_at is not None})
    return found


def rule_documents(user_ids: Collection[int], *, browsers: bool = False) -> dict[int, dict[str, list[dict[str, str]]]]:
    """Their own rules as the configuration document writes them, which knows of no browsers; {} when the defaults count."""
    found: dict[int, dict[str, list[dict[str, str]]]] = {key: {} for key in user_ids}
    for rule in session.scalars(select(NotificationRule).where(NotificationRule.user_id.in_(user_ids)).options(
            joinedload(NotificationRule.method)).order_by(NotificationRule.after, NotificationRule.position)):
        if browsers or rule.method.channel != "webpush":
            found[rule.user_id].setdefault(rule.urgency, []).append(
                {"after": duration_text(rule.after), "via": rule.method.name})
    return found


def health(_subject: None = None) -> dict[str, float]:
    """How many messages are due, and how late the oldest is."""
    number, oldest = session.execute(select(func.count(), func.min(Message.next_at)).where(
        Message.state == "queued", Message.next_at <= clock.now())).one()
    return {"due_messages": number,
            "due_message_age_s": 0.0 if oldest is None else (clock.now() - oldest).total_seconds()}


def rooms_in_use() -> list[Room]:
    """Every room where incidents are posted; not those that have a schedule's hand-offs alone."""
    return list(session.scalars(select(Room).where(Room.removed_at.is_(None), Room.schedule_id.is_(None))
                                .order_by(Room.name, Room.id)))


def rooms_called(key: str) -> list[Room]:
    """The room of this key, else all rooms of this name, in any letter case."""
    return _called(key, rooms_in_use())


def _called(key: str, rooms: Sequence[Room]) -> list[Room]:
    return [one for one in rooms if one.key == key.lower()] or [
        one for one in rooms if one.name and one.name.lower() == key.lower()]


def room_keys(ids: Collection[int]) -> dict[int, str]:
    """How configuration names these rooms: by the name, or the key where the name is not the room's alone."""
    rooms = session.scalars(select(Room).where(Room.id.in_(ids))).all() if ids else []
    used = rooms_in_use() if rooms else []
    return {room.id: room.name if [one.id for one in _called(room.name, used)] == [room.id] else room.key for room in rooms}


def metrics(_subject: None = None) -> list[Figure]:
    """The messages of the last hour by channel and state, and which accounts are left out just now."""
    since = clock.now() - timedelta(hours=1)
    found = [Figure("oncall_messages", "Messages of the last hour", number, {"channel": channel, "state": state})
             for channel, state, number in session.execute(select(Message.channel, Message.state, func.count()).where(
                 Message.queued_at > since, Message.kind != rules.SELF_TEST).group_by(Message.channel, Message.state))]
    left_out = "Whether an account is left out after failures in a row"
    return found + [Figure("oncall_breaker_open", left_out, int(one.open_until is not None),
                           {"channel": one.channel, "account": one.account})
                    for one in session.scalars(select(ProviderState).order_by(ProviderState.channel, ProviderState.account))]
