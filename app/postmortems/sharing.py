"""Share links: whoever has one reads the published version, without mail addresses and links into the house."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import current_app
from markupsafe import Markup
from sqlalchemy import select

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.postmortems import events, queries, rules, service
from app.postmortems.models import Postmortem, ShareLink

ADDRESS = re.compile(r"(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
LEFT_OUT = "[address left out]"
INWARD = re.compile(r'<a href="(?!https?://)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)


def make_link(postmortem: Postmortem, days: int, *, by: Actor) -> tuple[ShareLink, str]:
    """A link for so many days, and its token, which is told only now. Raises Conflict while nothing is published."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    least, most = rules.SHARE_DAYS
    if not least <= days <= most:
        raise Invalid(problems=[Problem("days", f"A share link lasts {least} to {most} days")])
    if postmortem.published is None:
        raise Conflict("Only what is published can be shared", state=queries.state_of(postmortem))
    token = secrets.new_token()
    made = ShareLink(postmortem_id=postmortem.id, token_hash=secrets.digest(token), last4=token[-4:],
                     made_by=by.name[:200], expires_at=clock.now() + timedelta(days=days))
    session.add(made)
    session.flush()
    service.said(events.LINK_MADE, postmortem, by, link=made.last4, until=clock.rfc3339(made.expires_at))
    return made, token


def revoke_link(postmortem: Postmortem, key: int, *, by: Actor) -> None:
    """It opens nothing from now on."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    found = session.get(ShareLink, key)
    if found is None or found.postmortem_id != postmortem.id:
        raise NotFound
    if found.revoked_at is None:
        found.revoked_at = clock.now()
        service.said(events.LINK_REVOKED, postmortem, by, link=found.last4)


def links_of(postmortem: Postmortem) -> list[ShareLink]:
    """Those that still open something."""
    return list(session.scalars(select(ShareLink).where(
        ShareLink.postmortem_id == postmortem.id, ShareLink.revoked_at.is_(None),
        ShareLink.expires_at > clock.now()).order_by(ShareLink.id)))


def opened(token: str) -> Postmortem:
    """What a token opens. Raises the same NotFound for revoked, expired and unknown ones, after the same work."""
    found = session.scalar(select(ShareLink).where(
        ShareLink.token_hash == secrets.digest(token), ShareLink.revoked_at.is_(None), ShareLink.expires_at > clock.now()))
    if found is None or found.postmortem.published is None:
        raise NotFound
    return found.postmortem


def address(token: str) -> str:
    """Where a token opens."""
    return f"{current_app.config['BASE_URL']}/shared/postmortems/{token}"


def outward(text: str) -> str:
    """What somebody outside may read of a text: no mail address, no way into the house."""
    house = re.compile(rf"<?{re.escape(current_app.config['BASE_URL'])}[^\s)>\]]*>?")
    return ADDRESS.sub(LEFT_OUT, house.sub("[internal link left out]", text))


def unlinked(html: Markup) -> Markup:
    """The same without links that lead nowhere but into the house; what they said stays, but for addresses that the text
    wrote in another way than it reads."""
    return Markup(ADDRESS.sub(LEFT_OUT, INWARD.sub(r"\1", html)))


def outward_all(value: Any) -> Any:
    """All texts in lists and mappings as somebody outside may read them."""
    if isinstance(value, Mapping):
        return {name: outward_all(one) for name, one in value.items()}
    if isinstance(value, list):
        return [outward_all(one) for one in value]
    return outward(value) if isinstance(value, str) else value
