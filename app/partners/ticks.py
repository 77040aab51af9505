"""What partners get because time passed: links by mail, each claimed, handed over with nothing open, and noted."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import CursorResult, or_, select, update

from app.core import clock, secrets
from app.core.db import session, transaction
from app.core.jobs import stir
from app.core.lanes import kept
from app.notifications import accounts
from app.partners import queries, rules
from app.partners.models import Link
from app.partners.words import PARTNERS
from app.plugin_api import Address, Message, NoAccess, Receipt, Refused, Rejected, Retry
from app.plugin_api import Link as Button
from app.status_pages.words import Words

BATCH = 20
LEASE = timedelta(seconds=60)


def send() -> int:
    """Mail the links that wait."""
    sent = 0
    while due := _due():
        sent += sum(_hand_over(key) for key in due)
    return sent


def _due() -> list[int]:
    try:
        now = clock.now()
        waiting = (Link.state == "queued") | ((Link.state == "sending") & (Link.lease_until < now))
        return list(session.scalars(select(Link.id).where(waiting, Link.used_at.is_(None), Link.next_at <= now)
                                    .order_by(Link.id).limit(BATCH)))
    finally:
        session.rollback()


def _hand_over(key: int) -> bool:
    with transaction():
        claimed = _claim(key)
    session.remove()
    if claimed is None:
        return False
    routes, message, address = claimed
    outcome = _call(routes, message, address)
    kept(lambda: _note(session.get_one(Link, key, populate_existing=True), outcome))
    return isinstance(outcome, Receipt)


def _claim(key: int) -> tuple[list[accounts.Route] | Exception, Message, str] | None:
    """Ours by compare-and-set: only now the token is made, and its 15 minutes begin. None when it is no longer wanted."""
    now = clock.now()
    link = session.get(Link, key, populate_existing=True)
    if link is None or _ended(link):
        return None
    token = secrets.new_token()
    result = session.execute(update(Link).where(
        Link.id == key, Link.voided_at.is_(None), Link.used_at.is_(None), Link.next_at <= now,
        or_(Link.state == "queued", Link.lease_until < now)).values(
        state="sending", lease_until=now + LEASE, next_at=now, attempts=Link.attempts + 1, token_hash=secrets.digest(token),
        expires_at=now + rules.LINK_LASTS).execution_options(synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        return None
    session.refresh(link)
    return accounts.routes("email"), _message(link, token), link.partner.email


def _ended(link: Link) -> bool:
    """A link that is void, or that could not be sent in time, is not sent any more."""
    if link.voided_at is None and clock.now() < link.created_at + rules.SEND_WITHIN:
        return False
    link.state, link.token_hash = "failed", None
    link.error = link.error or ("void before it was sent" if link.voided_at else "it could not be sent within 10 minutes")
    stir("partners", "partner.changed")
    return True


def _message(link: Link, token: str) -> Message:
    pages = ", ".join(one.page.name for one in queries.valid_grants(link.partner))
    words = Words(link.partner.language, PARTNERS)
    text = words("mail_text").format(name=link.partner.name, pages=pages)
    url = f"{current_app.config['BASE_URL']}/partner/open/{token}"
    # Each attempt is a mail of its own: its token is, too, and a reader must not be shown the first for the second.
    return Message(id=f"partner-{link.id}-{link.attempts}", kind="partner", subject=words("mail_subject"),
                   text=text, urgency="low", links=(Button("open", words("open_pages"), url),))


def _call(routes: list[accounts.Route] | Exception, message: Message, address: str) -> Receipt | Exception:
    """One account after the other until one takes it; nothing is open meanwhile."""
    outcome: Receipt | Exception = routes if isinstance(routes, Exception) else NoAccess("Mail is not set up")
    for route in routes if isinstance(routes, list) else ():
        try:
            return route.channel.send(message, Address(address), route.config)
        except (Retry, Refused, Rejected, NoAccess) as fault:
            outcome = fault
        except Exception as fault:  # noqa: BLE001 - a plugin may raise anything; its words may hold the address
            outcome = Retry(f"The channel has a fault ({type(fault).__name__})")
        if isinstance(outcome, Refused):
            break
    return outcome


def _note(link: Link, outcome: Receipt | Exception) -> None:
    if link.state != "sending":
        return
    now = clock.now()
    if isinstance(outcome, Receipt):
        link.state, link.error = "sent", ""
        return
    link.error, link.expires_at = str(getattr(outcome, "reason", outcome))[:300], None
    again = now + rules.wait_after(link.attempts)
    final = isinstance(outcome, Refused | Rejected) or again > link.created_at + rules.SEND_WITHIN
    link.state, link.next_at = "failed" if final else "queued", again
    stir("partners", "partner.changed")
