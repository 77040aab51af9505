"""Commands on contact methods and personal rules: save, add, remove."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import delete, select

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden, NotFound
from app.core.events import Kind, record
from app.core.forms import Problems, check_text, duration
from app.identity.models import User
from app.identity.queries import allow
from app.notifications import events, queries
from app.notifications.models import ContactCode, ContactMethod, Message, NotificationRule

MOST, MOST_RULES, LONGEST_WAIT = 20, 30, 24 * 3600


def save_contact_methods(user: User, values: Sequence[Mapping[str, Any]], *, by: Actor) -> list[ContactMethod]:
    """Make the person's methods those of the document, by name; a browser's own (web push) are left alone."""
    _own_or_operator(user, by)
    problems = Problems()
    known = {method.name: method for method in queries.methods_of(user)}
    names = [str(value.get("name") or value.get("channel")) for value in values]
    if len(values) > MOST:
        problems.add("contact_methods", f"A person has at most {MOST} contact methods")
    for number, value in enumerate(values):
        if names.index(names[number]) != number:
            problems.add(f"contact_methods[{number}].name", f"{names[number]} is there twice")
        else:
            _save_one(user, known.pop(names[number], None), {**value, "name": names[number]}, by=by,
                      problems=problems.at(f"contact_methods[{number}]"))
    problems.raise_if_any()
    for left in known.values():
        if left.channel != "webpush":
            remove_method(left, by=by)
    return queries.methods_of(user)


def _save_one(user: User, method: ContactMethod | None, value: Mapping[str, Any], *, by: Actor,
              problems: Problems) -> None:
    address = checked_address(str(value.get("channel", "")), value.get("address"), problems)
    if address is None:
        return
    fresh = method is None
    if method is None:
        method = ContactMethod(user_id=user.id, name=value["name"], channel=value["channel"], address=address)
        method.user = user
    moved = not fresh and (method.channel, method.address) != (value["channel"], address)
    if moved:
        method.channel, method.address, method.proven_at = value["channel"], address, None
        method.disabled_at, method.disabled_reason = None, ""
    proves = bool(value.get("verified")) and method.proven_at is None and by.user_id is None
    if proves:
        method.proven_at = clock.now()
    session.add(method)
    session.flush()
    renewed = _give_secret(method, str(value.get("secret") or "")) and not fresh
    if fresh or moved or renewed:
        say(events.METHOD_ADDED if fresh else events.METHOD_CHANGED, method, by)
    if proves:
        say(events.METHOD_PROVEN, method, by)


def _give_secret(method: ContactMethod, chosen: str) -> bool:
    """The secret of an address whose channel signs: the given one, else one made once. Whether it is a new one."""
    channel, data = current_app.extensions["plugins"].channels[method.channel], queries.data_of(method)
    secret = chosen or data.get("secret") or secrets.new_token()
    if "sign" not in channel.can or secret == data.get("secret"):
        return False
    method.data_sealed = secrets.seal(json.dumps({**data, "secret": secret}),
                                      bound_to=f"contact_method:{method.id}/data")
    return True


def checked_address(channel: str, address: Any, problems: Problems) -> str | None:
    """The address as the channel wants it, or None with the fault noted."""
    registry = current_app.extensions["plugins"]
    if channel not in registry.channels:
        problems.add("channel", f"There is no channel {channel}; there are {', '.join(sorted(registry.channels))}")
        return None
    found = problems.take("address", check_text, address, least=3, most=2000, label="An address")
    return problems.take("address", registry.channels[channel].address.parse, found) if found else None


def add_method(user: User, values: Mapping[str, Any], *, by: Actor) -> ContactMethod:
    """A new, unproven method of one's own."""
    only_owner(user, by)
    problems = Problems()
    existing = queries.methods_of(user)
    if len(existing) >= MOST:
        problems.add("channel", f"A person has at most {MOST} contact methods")
    name = problems.take("name", check_text, values.get("name") or values.get("channel"), least=1, most=60,
                         label="A name")
    if any(method.name == name for method in existing):
        problems.add("name", f"You have a method called {name} already")
    problems.raise_if_any()
    _save_one(user, None, {**values, "name": name}, by=by, problems=problems)
    problems.raise_if_any()
    return session.scalars(select(ContactMethod).where(ContactMethod.user_id == user.id,
                                                       ContactMethod.name == name)).one()


def remove_method(method: ContactMethod, *, by: Actor) -> None:
    """It is gone from rules and pages; messages that named it keep their row, so the method stays, disabled."""
    _own_or_operator(method.user, by)
    say(events.METHOD_REMOVED, method, by)
    put_away(method)


def put_away(method: ContactMethod) -> None:
    """Take a method out of lists, rules and codes; deleted where nothing names it."""
    session.execute(delete(NotificationRule).where(NotificationRule.method_id == method.id))
    session.execute(delete(ContactCode).where(ContactCode.method_id == method.id))
    if session.scalar(select(Message.id).where(Message.method_id == method.id).limit(1)):
        method.removed_at, method.disabled_at = clock.now(), method.disabled_at or clock.now()
        method.disabled_reason = method.disabled_reason or "removed"
        method.name, method.data_sealed = f"removed {method.id}", None
    else:
        session.delete(method)
    session.flush()


def save_rules(user: User, values: Mapping[str, Sequence[Mapping[str, Any]]], *, by: Actor,
               browsers: bool = False) -> None:
    """Replace the rules of the urgencies named; an empty list means the defaults.

    Documents know nothing of browsers: rules by them stay, unless `browsers` says that the values speak of them, too.
    """
    _own_or_operator(user, by)
    problems, before = Problems(), queries.rule_documents([user.id], browsers=True)[user.id]
    by_name = {method.name: method for method in queries.methods_of(user)}
    for urgency, rows in values.items():
        if urgency not in ("high", "low"):
            problems.add(f"rules.{urgency}", "Rules are for high or low urgency")
            continue
        if len(rows) > MOST_RULES:
            problems.add(f"rules.{urgency}", f"At most {MOST_RULES} rules an urgency")
        spoken_of = [method.id for method in by_name.values() if browsers or method.channel != "webpush"]
        session.execute(delete(NotificationRule).where(
            NotificationRule.user_id == user.id, NotificationRule.urgency == urgency,
            NotificationRule.method_id.in_(spoken_of)))
        for number, row in enumerate(rows):
            found = _rule(user, row, by_name, problems.at(f"rules.{urgency}[{number}]"))
            if found is not None:
                found.urgency, found.position = urgency, number
                session.add(found)
    problems.raise_if_any()
    session.flush()
    after_ = queries.rule_documents([user.id], browsers=True)[user.id]
    if before != after_:
        record(events.RULES_CHANGED, user.ref, by=by, person=user.name, before=before, after=after_)


def _rule(user: User, row: Mapping[str, Any], by_name: Mapping[str, ContactMethod],
          problems: Problems) -> NotificationRule | None:
    after = problems.take("after", duration, row.get("after", "0m"))
    method = by_name.get(str(row.get("via")))
    if method is None:
        problems.add("via", f"{user.name} has no contact method called {row.get('via')}")
    elif after is not None and after > LONGEST_WAIT:
        problems.add("after", "A rule waits at most 24 hours")
    if not method or after is None:
        return None
    return NotificationRule(user_id=user.id, after=after, method_id=method.id)


def own_method(user: User, key: int) -> ContactMethod:
    """One of the person's own methods. Raises NotFound for anybody else's."""
    method = session.get(ContactMethod, key)
    if method is None or method.user_id != user.id or method.removed_at is not None:
        raise NotFound("There is no such contact method")
    return method


def _own_or_operator(user: User, by: Actor) -> None:
    if by.user_id == user.id:
        allow(by, "own.edit")
    else:
        allow(by, "people.edit")


def only_owner(user: User, by: Actor) -> None:
    """Nobody, admin or not, adds, proves or tests a method for somebody else."""
    allow(by, "own.edit")
    if by.user_id != user.id:
        raise Forbidden("Only the owner of a contact method can do this")


def say(kind: Kind, method: ContactMethod, by: Actor) -> None:
    """Record a fact about a contact method."""
    record(kind, method.user.ref, by=by, name=method.name, channel=method.channel, person=method.user.name)

