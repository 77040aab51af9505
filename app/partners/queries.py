"""Reads on partners: who there is, whom somebody of the house may know of, and what a partner may read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden, NotFound
from app.core.secrets import digest
from app.identity.queries import managed_teams, may, may_see
from app.partners import rules
from app.partners.models import Grant, Link, Login, Partner
from app.status_pages.models import StatusPage


def partner_by_email(email: str) -> Partner | None:
    """The partner with this address, in any letter case and with blanks around."""
    return session.scalar(select(Partner).where(Partner.email == email.strip().lower()))


def partner_by_key(key: str) -> Partner | None:
    """By address, or by the number that stands in addresses of pages."""
    if key.isascii() and key.isdecimal() and len(key) < 18:
        return session.get(Partner, int(key))
    return partner_by_email(key)


def valid_grants(partner: Partner) -> list[Grant]:
    """What the partner may read now, by the names of the pages; a page that is a draft is nobody's yet."""
    found = session.scalars(select(Grant).join(Grant.page).where(
        Grant.partner_id == partner.id, or_(Grant.expires_at.is_(None), Grant.expires_at > clock.now()), ~StatusPage.draft)
        .order_by(StatusPage.name, StatusPage.id).options(joinedload(Grant.page)))
    return list(found)


def granted_page(partner: Partner, slug: str) -> StatusPage | None:
    """The page of this address, if the partner may read it now."""
    return next((one.page for one in valid_grants(partner) if one.page.slug == slug), None)


def login_of(token: str) -> Login | None:
    """The login that this cookie opens, None when it ended, is a day old, or its partner was deactivated."""
    found = session.scalar(select(Login).where(Login.token_hash == digest(token)).options(joinedload(Login.partner)))
    if found is None or found.partner.state != "active":
        return None
    return found if rules.login_valid(found.created_at, found.ended_at, clock.now()) else None


def link_of(token: str) -> Link | None:
    """The link with this token, whatever became of it."""
    return session.scalar(select(Link).where(Link.token_hash == digest(token)).options(joinedload(Link.partner)))


def open_logins(partner: Partner) -> list[Login]:
    """The partner's logins that are valid, oldest first."""
    found = session.scalars(select(Login).where(
        Login.partner_id == partner.id, Login.ended_at.is_(None), Login.created_at > clock.now() - rules.LOGIN_LASTS)
        .order_by(Login.created_at, Login.id))
    return list(found)


def last_link(partner: Partner) -> Link | None:
    """The link that was asked for last."""
    return session.scalar(select(Link).where(Link.partner_id == partner.id).order_by(Link.id.desc()).limit(1))


def managed_pages(by: Actor) -> set[int] | None:
    """Ids of the pages whose grants and log are this person's; None for all."""
    teams = managed_teams(by)
    return None if teams is None else set(session.scalars(select(StatusPage.id).where(StatusPage.team_id.in_(teams))))


def visible(by: Actor) -> Select[Any]:
    """The partners that this person may know of: all for admins, else their own creations and readers of their pages."""
    query = select(Partner).where(Partner.erased_at.is_(None)).order_by(Partner.email).options(
        selectinload(Partner.grants).joinedload(Grant.page))
    pages = managed_pages(by)
    if pages is None:
        return query
    own = Partner.created_by == by.ref
    return query.where(or_(own, Partner.id.in_(select(Grant.partner_id).where(Grant.page_id.in_(pages)))))


def in_document(by: Actor) -> Select[Any]:
    """Those that the configuration document names."""
    return visible(by).where(Partner.state == "active")


def partner_for(key: str, by: Actor) -> Partner:
    """One that this person may know of. Raises NotFound, or Forbidden where it is known that there is one."""
    found = partner_by_key(key)
    if found is None or found.erased_at is not None:
        raise NotFound
    if may(by, "partner.admin") or (found.created_by == by.ref and may_create(by)):
        return found
    teams = [one.page.team_id for one in found.grants]
    if any(may(by, "partner.edit", team_id=team) for team in teams):
        return found
    if any(team is None or may_see(by, team) for team in teams):
        raise Forbidden("Your role does not include this.")
    raise NotFound


def may_create(by: Actor) -> bool:
    """Whether somebody of the house may add partners: admins, and managers of any team."""
    return bool(managed_teams(by)) or may(by, "partner.admin")


def shown_grants(partner: Partner, by: Actor) -> list[Grant]:
    """The partner's grants for pages that this person is responsible for."""
    pages = managed_pages(by)
    return [one for one in partner.grants if pages is None or one.page_id in pages]


def readers(pages: Iterable[int]) -> list[str]:
    """Names of the partners that may read any of these pages, for a word before it goes."""
    return list(session.scalars(select(Partner.name).join(Grant).where(Grant.page_id.in_(list(pages))).distinct()
                                .order_by(Partner.name)))


def readers_of(page: StatusPage) -> str:
    """Who loses a page that is deleted, as a sentence; "" when nobody does."""
    found = readers([page.id])
    more = f" and {len(found) - 20} more" if found[20:] else ""
    return f"Partners lose it: {', '.join(found[:20])}{more}." if found else ""


def partner_document(partner: Partner) -> dict[str, Any]:
    """The partner as the configuration document writes them."""
    return {"email": partner.email, "name": partner.name, "organisation": partner.organisation, "language": partner.language,
            "grants": [{"page": one.page.slug, "expires": clock.rfc3339(one.expires_at)} for one in partner.grants]}
