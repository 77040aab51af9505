"""How a partner comes in and goes: ask for a link, press its button, log out. Counted in the database, without Redis too."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import CursorResult, select, update

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import alone, locked, session
from app.core.errors import RateLimited
from app.core.jobs import wake
from app.partners import journal, queries, rules, service
from app.partners.models import Entry, Link, Login, Partner
from app.status_pages.models import StatusPage

SEND = "app.partners.ticks.send"
ASKED, TRIED = ("link_requested", "link_refused"), ("link_redeemed", "link_failed")
MINUTE = timedelta(seconds=60)


def request_link(email: str, *, by: Actor) -> None:
    """Somebody typed an address. Only a partner who is active and may read something gets a mail; nobody can tell from
    outside, neither by the answer nor by its time: the mail goes out later."""
    alone("partner links")
    typed = email.strip().lower()[:254].replace("\0", "")
    partner = queries.partner_by_email(typed)
    many = (journal.count(ASKED, rules.WINDOW, email=typed) >= rules.PER_ADDRESS if typed else False) or (
        journal.count(ASKED, rules.WINDOW, ip=by.ip) >= rules.PER_CALLER)
    known = partner is not None and partner.state == "active" and bool(queries.valid_grants(partner))
    wake(SEND)
    if many:
        journal.note("limited", by=by, partner=partner, email=typed, detail="too many requests for a link")
    elif partner is None or not known:
        journal.note("link_refused", by=by, partner=partner, email=typed, detail=_why(partner))
    else:
        queue_link(partner)
        journal.note("link_requested", by=by, partner=partner)


def _why(partner: Partner | None) -> str:
    if partner is None:
        return "not known"
    return "deactivated" if partner.state != "active" else "may read nothing"


def queue_link(partner: Partner) -> Link:
    """A fresh link for the partner, to be mailed; older ones are void."""
    service.void_links(partner)
    link = Link(partner_id=partner.id)
    session.add(link)
    session.flush()
    wake(SEND)
    return link


def send_link(partner: Partner, *, by: Actor) -> Link:
    """Somebody of the house sends the partner a link, who must be able to read something."""
    if partner.state != "active" or not queries.valid_grants(partner):
        service.refuse("partner", f"{partner.name} {_why(partner)}: a link would open nothing")
    journal.note("link_requested", by=by, partner=partner)
    return queue_link(partner)


def redeem(token: str, *, by: Actor) -> str | None:
    """The button was pressed: the cookie's token of a new login, None when the link opens nothing. Once, whoever is
    faster. Raises RateLimited after 10 in 15 minutes from one caller."""
    link, now = queries.link_of(token), clock.now()
    if journal.count(TRIED, rules.WINDOW, ip=by.ip) >= rules.REDEMPTIONS:
        raise RateLimited("Too many links were opened from here. Try again in a quarter of an hour.", after=900)
    if link is None:
        journal.note("link_failed", by=by, detail="unknown")
        return None
    partner = locked(Partner, link.partner_id) or link.partner
    session.refresh(link)
    fault = rules.link_fault(link.used_at, link.voided_at, link.expires_at, now)
    if not fault and (partner.state != "active" or not queries.valid_grants(partner)):
        fault = _why(partner)
    if not fault and not _taken(link):
        fault = "used already"
    if fault:
        journal.note("link_failed", by=by, partner=partner, detail=fault)
        return None
    return _open(partner, by)


def _taken(link: Link) -> bool:
    """Ours by compare-and-set."""
    result = session.execute(update(Link).where(Link.id == link.id, Link.used_at.is_(None), Link.voided_at.is_(None)).values(
        used_at=clock.now()).execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _open(partner: Partner, by: Actor) -> str:
    token = secrets.new_token()
    others = queries.open_logins(partner)
    for old in others[:max(0, len(others) - rules.MOST_LOGINS + 1)]:
        old.ended_at = clock.now()
    session.add(Login(partner_id=partner.id, token_hash=secrets.digest(token), ip=by.ip[:64], agent=by.agent[:300]))
    partner.last_login_at = clock.now()
    journal.note("link_redeemed", by=by, partner=partner)
    return token


def log_out(login: Login, *, by: Actor) -> None:
    """End this login on the server, too."""
    held = session.get_one(Login, login.id)
    held.ended_at = clock.now()
    journal.note("logged_out", by=by, partner=held.partner)


def has_seen(login: Login, page: StatusPage) -> bool:
    """Whether this login's partner has looked at the page since they came in, which the log says: only then is another
    look a refresh."""
    return session.scalar(select(Entry.id).where(
        Entry.partner_id == login.partner_id, Entry.page_id == page.id, Entry.kind == "page_viewed",
        Entry.at >= login.created_at).limit(1)) is not None


def too_many(partner: Partner) -> bool:
    """Whether the partner looked at more pages than 100 within a minute."""
    return journal.count(("page_viewed", "denied"), MINUTE, partner=partner.id) >= rules.PER_MINUTE
