"""What people are told about postmortems: never by phone or SMS; action items by mail or chat only."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from flask import current_app

from app.identity.models import User
from app.notifications import service as notifications
from app.notifications.compose import seal_data
from app.notifications.rules import LOUD
from app.postmortems import queries
from app.postmortems.models import ActionItem, Postmortem


def about(postmortem: Postmortem, people: Iterable[User], *, cause: str, reason: str) -> int:
    """Tell these people something about the document, once for each cause."""
    written = notifications.tell(list(people), kind="postmortem", cause=cause, reason=reason, without=LOUD,
                                 scope=f"team:{postmortem.team_id}")
    for message in written:
        seal_data(message, {"url": queries.link(postmortem)})
    return len(written)


def item(found: ActionItem, *, cause: str, reason: str) -> int:
    """Tell its owner something about an action item."""
    owner = [found.owner] if found.owner.is_active else []
    written = notifications.tell(owner, kind="action_item", cause=cause, reason=reason, without=(*LOUD, "webpush"),
                                 scope=f"team:{found.postmortem.team_id}")
    for message in written:
        seal_data(message, {"url": address(found), "description": found.description})
    return len(written)


def address(found: ActionItem) -> str:
    """Where an action item stands."""
    return f"{current_app.config['BASE_URL']}/action-items/{found.id}"


def items(person: User, team_id: int | None, *, cause: str, reason: str) -> int:
    """Tell somebody about several of their action items, all of one team's postmortems."""
    return _list([person], person.email, team_id, cause=cause, reason=reason)


def leaver(name: str, email: str, managers: Iterable[User], *, team_id: int | None, number: int, cause: str) -> int:
    """Tell a team's managers how many of its open action items somebody left behind."""
    word = "item" if number == 1 else "items"
    return _list(managers, email, team_id, cause=cause,
                 reason=f"{name} is deactivated and leaves {number} open action {word}")


def _list(people: Iterable[User], email: str, team_id: int | None, *, cause: str, reason: str) -> int:
    written = notifications.tell(list(people), kind="action_item", cause=f"{cause}:{team_id}", reason=reason,
                                 without=(*LOUD, "webpush"), scope=f"team:{team_id}")
    url = f"{current_app.config['BASE_URL']}/action-items?{urlencode({'owner': email})}"
    for message in written:
        seal_data(message, {"url": url, "description": ""})
    return len(written)
