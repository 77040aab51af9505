"""One-tap links: whether one still counts, and acting as the person it was sent to."""

from __future__ import annotations

from sqlalchemy import select

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Forbidden
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications.models import OneTapLink

WAYS = {"email": "e-mail link", "webpush": "push notification"}


def link_of(token: str) -> OneTapLink | None:
    """The link whose token this is."""
    return session.scalar(select(OneTapLink).where(OneTapLink.token_hash == secrets.digest(token)))


def fault(link: OneTapLink | None) -> str:
    """Why the link counts no more, as a sentence; "" while it does."""
    if link is None:
        return "This link is not known."
    method, message = link.message.method, link.message
    if link.used_at is not None:
        return "This link was used already. Each works once."
    if link.expires_at < clock.now():
        return "This link is older than 15 minutes."
    if not method.usable or method.address != message.address or not link.user.is_active:
        return "This link was sent to an address that is no longer in use."
    return ""


def use(link: OneTapLink, action: str, *, ip: str, agent: str) -> str:
    """Act as the person it was sent to, and say what came of it; a second press at the same moment waits and is refused.

    Raises Forbidden for another action than the link's, and where the person may not act; Conflict when it counts no more.
    """
    if action != link.action:
        raise Forbidden(f"This link can {link.action}, nothing else.")
    locked(OneTapLink, link.id)
    if reason := fault(link):
        raise Conflict(reason)
    by = Actor(link.user.ref, link.user.name, via=WAYS.get(link.message.channel, f"{link.message.channel} link"),
               user_id=link.user_id, ip=ip, agent=agent)
    link.used_at = clock.now()
    found = sorted(all_of(link), key=lambda one: one.id)  # whoever changes several locks them in this order
    said = [_acknowledged(incident, by) for incident in found]
    return said[0] if len(found) == 1 else " ".join(f"#{one.id}: {words}" for one, words in zip(found, said, strict=True))


def all_of(link: OneTapLink) -> list[Incident]:
    """What the link is about: one incident, or all that stood in one message."""
    return [link.incident, *session.scalars(select(Incident).where(Incident.id.in_(link.also)).order_by(Incident.id))]


def _acknowledged(incident: Incident, by: Actor) -> str:
    try:
        return f"Acknowledged by {incidents.acknowledge(incident, by=by).acknowledged_name}."
    except Conflict as refusal:
        return f"{refusal.detail}."
