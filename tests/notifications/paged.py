"""The standing example of a page: an incident whose only level is one person, and time that passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import time_machine
from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session, transaction
from app.core.jobs import function
from app.identity.models import User
from app.incidents.models import Incident
from app.notifications.models import ContactMethod, Message
from tests import build
from tests.fakes import WebServer

START = "2026-03-02T12:00:00Z"


def page(*people: User, severity: str = "high", urgency: str = "high", **columns: Any) -> Incident:
    """An incident that pages these people at once, and nobody after them for an hour."""
    number = session.query(Incident).count() + 1
    team = build.team(f"team-{number}", manager=people[0])
    build.policy(f"policy-{number}", *[(3600, [person]) for person in people], team=team)
    incident = build.incident(team=team, severity=severity, urgency=urgency, **columns)
    with transaction():
        function("app.escalation.service.start")(session.get_one(Incident, incident.id))
    return incident


def messages(*kinds: str) -> list[Message]:
    """The messages of these kinds (all without any), in the order they were queued."""
    session.expire_all()
    return [message for message in session.scalars(select(Message).order_by(Message.id))
            if not kinds or message.kind in kinds]


def message(kind: str = "page") -> Message:
    """The only message of a kind."""
    found, = messages(kind)
    return found


def play(now: time_machine.Coordinates, tick: Callable[[str], Any], seconds: int, *, step: int = 1) -> None:
    """Let so many seconds pass, the senders looking each `step`."""
    for _ in range(0, seconds, step):
        now.shift(step)
        tick("app.notifications.ticks.send")


def seconds_since(start: Any, moments: list[Any]) -> list[int]:
    """The moments in whole seconds after the first."""
    return [round((moment - start).total_seconds()) for moment in moments]


def as_actor(person: User) -> Actor:
    """The person at their own screen."""
    return Actor(person.ref, person.name, "web", person.id)


def hook(person: User, sink: WebServer, *, name: str = "webhook") -> ContactMethod:
    """A webhook of the person's at the local web server."""
    return build.contact(person, "webhook", f"{sink.url}/{name}", name=name)
