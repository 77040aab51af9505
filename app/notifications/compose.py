"""Turns an outbox row into what a channel carries: words from templates/messages, and one-tap links."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from secrets import SystemRandom
from typing import Any, Literal, cast

from flask import current_app
from sqlalchemy import select

from app.core import clock, secrets
from app.core.db import alone, session
from app.incidents.models import Incident
from app.incidents.queries import link
from app.notifications import mail_addresses, rules
from app.notifications.channel_models import ReplyCode
from app.notifications.models import Message, OneTapLink
from app.plugin_api import Link
from app.plugin_api import Message as Outgoing

ACTIONABLE = ("page", "request")
# What can be answered while the incident stands so.
ANSWERS = {"triggered": ("acknowledge", "resolve", "escalate", "note"), "acknowledged": ("resolve", "escalate", "note"),
           "resolved": ("note",)}
LINK_LIVES = timedelta(minutes=15)
CODE_LIVES = timedelta(days=8)  # used for 7 days after the last page, and not again within 24 h
random = SystemRandom()


def compose(message: Message, others: Sequence[Message] = ()) -> Outgoing:
    """The message in words, with fresh links; one for several incidents. The template's first line is the subject."""
    incident = message.incident
    about = {one.incident.id: one.incident for one in (message, *others) if one.incident is not None}
    if len(about) > 1:
        return _bundled(message, list(about.values()))
    data = _data(message)
    subject, body = _words(f"messages/{message.kind}.txt", message=message, incident=incident, method=message.method,
                           data=data)
    links = _links(message, incident) if incident else ()
    outgoing = Outgoing(id=str(message.id), kind=message.kind, subject=subject, text=body,
                        urgency=cast(Literal["high", "low"], message.urgency), links=links)
    if incident is None:
        ends = str(data.get("unsubscribe", ""))
        return replace(outgoing, unsubscribe=ends, links=(Link("open", "Unsubscribe", ends),)) if ends else outgoing
    answerable = message.kind in ACTIONABLE
    return replace(stood(outgoing, incident, answerable=answerable), code=_code(message),
                   reply_to=mail_addresses.address(message) if answerable else "")


def _bundled(message: Message, incidents: Sequence[Incident]) -> Outgoing:
    """Numbers and titles, and one link that acknowledges exactly these."""
    subject, body = _words("messages/bundle.txt", incident=None, incidents=incidents)
    links = _links(message, incidents[0], also=[one.id for one in incidents[1:]])
    return Outgoing(id=str(message.id), kind=message.kind, subject=subject, text=body, thread=f"bundle-{message.id}",
                    urgency=cast(Literal["high", "low"], message.urgency), links=links)


def _words(template: str, *, incident: Incident | None, **more: Any) -> tuple[str, str]:
    """Subject and text of a template."""
    text = current_app.jinja_env.get_template(template).render(
        incident=incident, severity_word=f"[{incident.severity.capitalize()}]" if incident else "", **more)
    subject, _, body = text.partition("\n")
    return " ".join(subject.split()), body.strip() + "\n"


def stood(outgoing: Outgoing, incident: Incident, *, answerable: bool) -> Outgoing:
    """The message with how its incident stands now, and what can be answered to it."""
    return replace(
        outgoing, severity=cast(Any, incident.severity), incident=str(incident.id), thread=f"incident-{incident.id}",
        title=incident.title, service=incident.service.name if incident.service else "", status=incident.status,
        standing=standing(incident), actions=ANSWERS.get(incident.status, ()) if answerable else (),
        people=tuple(person.name for person in incident.assignees))


def standing(incident: Incident) -> str:
    """How it stands, in words; "" while nobody did anything."""
    if incident.status == "resolved":
        return f"Resolved by {incident.resolved_name}"
    if incident.status == "acknowledged":
        return f"Acknowledged by {incident.acknowledged_name}"
    return f"Snoozed until {incident.snoozed_until:%Y-%m-%d %H:%M} UTC" if incident.snoozed_until else ""


def look(outgoing: Outgoing) -> str:
    """Equal for two messages exactly when they show the incident alike."""
    return "|".join((outgoing.status, outgoing.standing, outgoing.severity, ",".join(outgoing.people), outgoing.title))[:300]


def posted(incident: Incident, key: str) -> Outgoing:
    """What a post about the incident says now, under the name `key`."""
    subject, body = _words("messages/post.txt", incident=incident)
    urgency = cast(Literal["high", "low"], incident.urgency)
    return stood(Outgoing(id=key, kind="post", subject=subject, text=body, urgency=urgency,
                          links=(Link("open", "Open the incident", link(incident)),)), incident, answerable=True)


def _code(message: Message) -> str:
    """The short number by which this person's text names the incident; "" where answers need none."""
    channel = current_app.extensions["plugins"].channels.get(message.channel)
    if message.kind not in ACTIONABLE or channel is None or "code" not in channel.can:
        return ""
    alone(f"codes of user:{message.user_id}")  # two at once would find the same code free, or make two for one incident
    now, mine = clock.now(), select(ReplyCode).where(ReplyCode.user_id == message.user_id)
    found = session.scalar(mine.where(ReplyCode.incident_id == message.incident_id))
    if found is None:
        taken = set(session.scalars(mine.with_only_columns(ReplyCode.code).where(
            ReplyCode.last_used_at > now - CODE_LIVES)))
        found = ReplyCode(user_id=message.user_id, incident_id=message.incident_id, code=rules.free_code(taken, random))
        session.add(found)
    found.last_used_at = now
    return found.code


def seal_data(message: Message, data: dict[str, Any]) -> None:
    """Keep what the template needs and nobody else may read (a code). The row must be flushed."""
    message.data_sealed = secrets.seal(json.dumps(data), bound_to=f"message:{message.id}/data")


def _data(message: Message) -> dict[str, Any]:
    if message.data_sealed is None:
        return {}
    found: dict[str, Any] = json.loads(secrets.open_(message.data_sealed, bound_to=f"message:{message.id}/data"))
    return found


def _links(message: Message, incident: Incident, *, also: Sequence[int] = ()) -> tuple[Link, ...]:
    """Open always; acknowledge for pages: 15 minutes, one use, stored as a digest."""
    open_ = (Link("open", "Open the list", f"{current_app.config['BASE_URL']}/incidents") if also
             else Link("open", "Open the incident", link(incident)))
    if message.kind not in ACTIONABLE:
        return (open_,)
    token = secrets.new_token()
    session.add(OneTapLink(token_hash=secrets.digest(token), message_id=message.id, incident_id=incident.id,
                           user_id=message.user_id, action="acknowledge", also=list(also),
                           expires_at=clock.now() + LINK_LIVES))
    label = "Acknowledge all" if also else "Acknowledge"
    return (Link("acknowledge", label, f"{current_app.config['BASE_URL']}/tap/{token}"), open_)
