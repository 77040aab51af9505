"""Commands on browsers that take pushes, which make their methods themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.forms import Problems
from app.identity.models import User
from app.notifications import contacts, events, queries
from app.notifications.models import ContactMethod


def add_browser(user: User, subscription: Mapping[str, Any], *, by: Actor, name: str) -> ContactMethod:
    """A browser's push subscription: proven by being made here; the same browser again, also one that says where it was
    (`former`), replaces its row."""
    contacts.only_owner(user, by)
    keys, problems = subscription.get("keys"), Problems()
    if not isinstance(keys, dict) or not all(isinstance(keys.get(part), str) for part in ("p256dh", "auth")):
        problems.add("keys", "A subscription has keys.p256dh and keys.auth")
    endpoint = contacts.checked_address("webpush", subscription.get("endpoint"), problems)
    problems.raise_if_any()
    method = _browser_at(str(endpoint), user, by) or _moved(user, str(subscription.get("former") or ""), str(endpoint))
    if method is not None:
        _keep_keys(method, keys)
        method.proven_at, method.disabled_at, method.disabled_reason = clock.now(), None, ""
        return method
    names = {method.name for method in queries.methods_of(user)}
    labels = (name[:50], *(f"{name[:50]} {number}" for number in range(2, len(names) + 3)))
    label = next(text for text in labels if text not in names)
    method = ContactMethod(user_id=user.id, name=label, channel="webpush", address=str(endpoint),
                           proven_at=clock.now())
    session.add(method)
    session.flush()
    _keep_keys(method, keys)
    contacts.say(events.METHOD_ADDED, method, by)
    return method


def _keep_keys(method: ContactMethod, keys: Mapping[str, str]) -> None:
    """The browser's keys, and ours that it subscribed with: under another one its push service refuses us."""
    data = {"keys": keys, "server": current_app.config["VAPID_PUBLIC_KEY"]}
    method.data_sealed = secrets.seal(json.dumps(data), bound_to=f"contact_method:{method.id}/data")


def _moved(user: User, former: str, endpoint: str) -> ContactMethod | None:
    """The person's method for the browser that was at `former` and subscribed anew: it stays in their rules."""
    for method in queries.methods_of(user) if former else ():
        if method.channel == "webpush" and method.address == former:
            method.address = endpoint
            return method
    return None


def _browser_at(endpoint: str, user: User, by: Actor) -> ContactMethod | None:
    """This person's method for a browser; whoever else was paged in it is not any more."""
    mine = None
    for found in session.scalars(select(ContactMethod).where(
            ContactMethod.channel == "webpush", ContactMethod.address == endpoint, ContactMethod.removed_at.is_(None))):
        if found.user_id == user.id:
            mine = found
        else:
            contacts.say(events.METHOD_REMOVED, found, by)
            contacts.put_away(found)
    return mine


def remove_browser(user: User, endpoint: str, *, by: Actor) -> None:
    """The browser at this endpoint pages the person no more; nothing happens when it did not."""
    contacts.only_owner(user, by)
    for method in queries.methods_of(user):
        if method.channel == "webpush" and method.address == endpoint:
            contacts.remove_method(method, by=by)
