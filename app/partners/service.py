"""Commands of the house on partners: add, change, grant, revoke, let out and in, erase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.access import Actor
from app.core.clock import parse_instant
from app.core.db import locked, session
from app.core.errors import Conflict, Forbidden
from app.core.events import record
from app.core.forms import Problems, check_text, email_address, one_of, refuse
from app.identity.queries import allow, may
from app.partners import events, journal, queries, rules
from app.partners.models import Entry, Grant, Link, Login, Partner
from app.status_pages.models import StatusPage
from app.status_pages.queries import page_by_slug
from app.status_pages.words import LANGUAGES

Values = Mapping[str, Any]
PLAIN = ("name", "organisation", "language")


def add_partner(values: Values, *, by: Actor) -> Partner:
    """A new partner; an address that is taken, in whatever letter case, is a conflict."""
    if queries.partner_by_email(str(values.get("email", ""))) is not None:
        raise Conflict("There is a partner with this address already")
    return save_partner(values, by=by)


def save_partner(values: Values, *, by: Actor) -> Partner:
    """Create or change the partner of this `email`; only what is named changes, but `grants` is the whole list.
    Raises Invalid, Forbidden."""
    problems = Problems()
    email = problems.take("email", email_address, values.get("email"))
    found = queries.partner_by_email(email) if email else None
    if not _may_change(found, by):
        raise Forbidden("Your role does not include this.")
    clean = _fields(values, problems, fresh=found is None)
    wanted = _wanted(values["grants"], problems, by) if values.get("grants") is not None else None
    problems.raise_if_any()
    partner = _changed(found, clean, by) if found is not None else _created(str(email), clean, by)
    if wanted is not None:
        _set_grants(partner, wanted, by)
    return partner


def _may_change(found: Partner | None, by: Actor) -> bool:
    """Managers add partners for their pages; what is said of those that are there is the admins' business."""
    return may(by, "partner.admin") or (found is None and queries.may_create(by))


def _fields(values: Values, problems: Problems, *, fresh: bool) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    if fresh or "name" in values:
        clean["name"] = problems.take("name", check_text, values.get("name"), least=1, most=100, label="A name")
    if "organisation" in values:
        clean["organisation"] = problems.take("organisation", check_text, values["organisation"] or "", most=100,
                                              label="The organisation")
    if values.get("language"):
        clean["language"] = problems.take("language", one_of, values["language"], choices=tuple(LANGUAGES))
    return clean


def _wanted(given: Sequence[Values], problems: Problems, by: Actor) -> dict[int, datetime | None]:
    """Until when by page; every fault at its place. A page that is not theirs to know is as none."""
    found: dict[int, datetime | None] = {}
    if len(given) > rules.MOST_GRANTS:
        problems.add("grants", f"A partner has at most {rules.MOST_GRANTS} pages")
    for at, value in enumerate(given):
        here = problems.at(f"grants[{at}]")
        page = page_by_slug(str(value.get("page", "")))
        until = here.take("expires", end_of, value.get("expires"))
        if page is None or not may(by, "status_page.read", team_id=page.team_id):
            here.add("page", f"There is no status page {value.get('page', '')}")
        else:
            found[page.id] = until
    return found


def end_of(text: object) -> datetime | None:
    """The instant at which a grant ends; a bare date is the end of that day (UTC), nothing is never."""
    if text in (None, ""):
        return None
    said = str(text)
    try:
        return parse_instant(f"{said}T23:59:59Z" if len(said) == 10 else said)
    except (ValueError, OverflowError):
        raise ValueError("Write a day like 2026-12-31, or a time like 2026-12-31T18:00:00Z") from None


def checked_end(text: object) -> datetime | None:
    """The same for a form. Raises Invalid at `expires`."""
    problems = Problems()
    found = problems.take("expires", end_of, text)
    problems.raise_if_any()
    return found


def _created(email: str, clean: dict[str, Any], by: Actor) -> Partner:
    if (session.scalar(select(func.count()).select_from(Partner)) or 0) >= rules.MOST_PARTNERS:
        raise Conflict(f"There are {rules.MOST_PARTNERS:,} partners already")
    partner = Partner(email=email, grants=[], created_by=by.ref, **clean)
    try:
        with session.begin_nested():
            session.add(partner)
    except IntegrityError:
        raise Conflict("There is a partner with this address already") from None
    record(events.CREATED, partner.ref, by=by, also=["partners"], partner=word(partner), after={"state": "active"})
    journal.note("created", by=by, partner=partner)
    return partner


def _changed(partner: Partner, clean: dict[str, Any], by: Actor) -> Partner:
    new = [name for name in PLAIN if name in clean and getattr(partner, name) != clean[name]]
    for name in new:
        setattr(partner, name, clean[name])
    if new:
        session.flush()
        record(events.CHANGED, partner.ref, by=by, also=["partners"], partner=word(partner), what=", ".join(new))
        journal.note("updated", by=by, partner=partner, detail=", ".join(new))
    return partner


def _set_grants(partner: Partner, wanted: dict[int, datetime | None], by: Actor) -> None:
    """Make the grants those that are wanted; a manager's list speaks of the pages of their teams only."""
    for known in queries.shown_grants(partner, by):
        if known.page_id not in wanted:
            revoke(partner, known.page, by=by)
    for page_id, until in wanted.items():
        grant(partner, session.get_one(StatusPage, page_id), until, by=by)


def word(partner: Partner) -> str:
    """What the log of the house calls a partner: it can't be erased, so it holds neither name nor address."""
    return f"partner {partner.id}"


def grant(partner: Partner, page: StatusPage, until: datetime | None, *, by: Actor) -> Grant:
    """Let the partner read the page, until then or for good. The same again changes nothing."""
    allow(by, "partner.edit", team_id=page.team_id)
    locked(Partner, partner.id)
    found = session.scalar(select(Grant).where(Grant.partner_id == partner.id, Grant.page_id == page.id))
    if found is not None and found.expires_at == until:
        return found
    if found is None:
        if len(partner.grants) >= rules.MOST_GRANTS:
            raise Conflict(f"A partner has at most {rules.MOST_GRANTS} pages")
        found = Grant(partner=partner, page=page)
        session.add(found)
    found.expires_at = until
    session.flush()
    said = clock.rfc3339(until) or "for good"
    record(events.GRANTED, partner.ref, by=by, also=_also(page), partner=word(partner), page=page.name, until=said)
    journal.note("granted", by=by, partner=partner, page=page, detail=f"until {said}" if until else said)
    return found


def revoke(partner: Partner, page: StatusPage, *, by: Actor) -> None:
    """The partner's next request for the page is refused. With the last page links end, too."""
    allow(by, "partner.edit", team_id=page.team_id)
    locked(Partner, partner.id)
    found = next((one for one in partner.grants if one.page_id == page.id), None)
    if found is None:
        refuse("page", f"{partner.name} can't read {page.name} anyway")
    partner.grants.remove(found)
    session.flush()
    if not partner.grants:
        void_links(partner)
    record(events.REVOKED, partner.ref, by=by, also=_also(page), partner=word(partner), page=page.name)
    journal.note("revoked", by=by, partner=partner, page=page)


def _also(page: StatusPage) -> list[str]:
    return ["partners", page.ref, *([f"team:{page.team_id}"] if page.team_id else [])]


def deactivate(partner: Partner, *, by: Actor) -> Partner:
    """End every login and link at once; what was granted is kept for later."""
    allow(by, "partner.admin")
    locked(Partner, partner.id)
    if partner.state == "active":
        partner.state = "deactivated"
        _end_all(partner)
        record(events.DEACTIVATED, partner.ref, by=by, also=["partners"], partner=word(partner))
        journal.note("deactivated", by=by, partner=partner)
    return partner


def reactivate(partner: Partner, *, by: Actor) -> Partner:
    """Let the partner ask for links again; old links and cookies stay dead."""
    allow(by, "partner.admin")
    locked(Partner, partner.id)
    if partner.state != "active" and partner.erased_at is None:
        partner.state = "active"
        session.flush()
        record(events.REACTIVATED, partner.ref, by=by, also=["partners"], partner=word(partner))
        journal.note("reactivated", by=by, partner=partner)
    return partner


def end_logins(partner: Partner, *, by: Actor) -> int:
    """Sign the partner out everywhere; how many logins that were."""
    allow(by, "partner.admin")
    number = _end_all(partner)
    if number:
        record(events.LOGINS_ENDED, partner.ref, by=by, also=["partners"], partner=word(partner), number=number)
        journal.note("logins_ended", by=by, partner=partner, detail=str(number))
    return number


def erase(partner: Partner, *, by: Actor) -> None:
    """Replace name and address by "former partner n", here and in the log, and end everything. There is no way back."""
    allow(by, "partner.admin")
    locked(Partner, partner.id)
    _end_all(partner)
    former = f"former partner {partner.id}"
    session.execute(update(Entry).where(Entry.partner_id == partner.id).values(email=former, ip="", agent=""))
    session.execute(update(Entry).where(Entry.email == partner.email).values(email=former, ip="", agent=""))
    session.execute(update(Login).where(Login.partner_id == partner.id).values(ip="", agent=""))
    partner.email = partner.name = former
    partner.organisation, partner.state, partner.erased_at = "", "deactivated", clock.now()
    for one in partner.grants:
        one.expires_at = clock.now()
    session.flush()
    record(events.ERASED, partner.ref, by=by, also=["partners"], partner=word(partner))


def _end_all(partner: Partner) -> int:
    """Every link void, every login ended; how many logins were open."""
    void_links(partner)
    found = queries.open_logins(partner)
    session.execute(update(Login).where(Login.partner_id == partner.id, Login.ended_at.is_(None)).values(
        ended_at=clock.now()))
    return len(found)


def void_links(partner: Partner) -> None:
    """No link of the partner's that is out or on its way opens anything any more."""
    session.execute(update(Link).where(
        Link.partner_id == partner.id, Link.used_at.is_(None), Link.voided_at.is_(None)).values(voided_at=clock.now()))
