"""Turns an outbox row into what a channel carries: words from templates/messages, and one-tap links."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Literal, cast

from flask import current_app

from app.core import clock, secrets
from app.core.db import session
from app.incidents.models import Incident
from app.incidents.queries import link
from app.notifications.models import Message, OneTapLink
from app.plugin_api import Link
from app.plugin_api import Message as Outgoing

ACTIONABLE = ("page", "request")
LINK_LIVES = timedelta(minutes=15)


def compose(message: Message) -> Outgoing:
    """The message in words, with fresh links. The first line of the template is the subject."""
    incident = message.incident
    text = current_app.jinja_env.get_template(f"messages/{message.kind}.txt").render(
        message=message, incident=incident, method=message.method, data=_data(message),
        severity_word=f"[{incident.severity.capitalize()}]" if incident else "")
    subject, _, body = text.partition("\n")
    links = _links(message, incident) if incident else ()
    return Outgoing(
        id=str(message.id), kind=message.kind, subject=" ".join(subject.split()), text=body.strip() + "\n",
        urgency=cast(Literal["high", "low"], message.urgency), severity=cast(Any, incident.severity if incident else ""),
        incident=str(incident.id) if incident else "", thread=f"incident-{incident.id}" if incident else "", links=links)


def seal_data(message: Message, data: dict[str, Any]) -> None:
    """Keep what the template needs and nobody else may read (a code). The row must be flushed."""
    message.data_sealed = secrets.seal(json.dumps(data), bound_to=f"message:{message.id}/data")


def _data(message: Message) -> dict[str, Any]:
    if message.data_sealed is None:
        return {}
    found: dict[str, Any] = json.loads(secrets.open_(message.data_sealed, bound_to=f"message:{message.id}/data"))
    return found


def _links(message: Message, incident: Incident) -> tuple[Link, ...]:
    """Open always; acknowledge for pages: 15 minutes, one use, stored as a digest."""
    open_ = Link("open", "Open the incident", link(incident))
    if message.kind not in ACTIONABLE:
        return (open_,)
    token = secrets.new_token()
    session.add(OneTapLink(token_hash=secrets.digest(token), message_id=message.id, incident_id=incident.id,
                           user_id=message.user_id, action="acknowledge", expires_at=clock.now() + LINK_LIVES))
    return (Link("acknowledge", "Acknowledge", f"{current_app.config['BASE_URL']}/tap/{token}"), open_)
