"""Reads on status pages: which there are, who may see them, and how documents write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from app.core import secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.queries import allow, visible_teams
from app.incidents.models import Incident
from app.status_pages import rules
from app.status_pages.models import Component, Notice, NoticeIncident, StatusPage


def page_by_slug(slug: str) -> StatusPage | None:
    """The page with this name in its address."""
    return session.scalar(select(StatusPage).where(StatusPage.slug == slug.strip().lower()))


def visible(by: Actor) -> Select[Any]:
    """The pages that this person may see, by name."""
    teams = visible_teams(by)
    query = select(StatusPage).options(
        joinedload(StatusPage.team), selectinload(StatusPage.components).selectinload(Component.services)).order_by(
        func.lower(StatusPage.name), StatusPage.id)
    return query if teams is None else query.where(StatusPage.team_id.in_(teams) | StatusPage.team_id.is_(None))


def page_for(slug: str, by: Actor, action: str = "status_page.read") -> StatusPage:
    """One by its address, if the person may do `action` with it. Raises NotFound or Forbidden."""
    found = page_by_slug(slug)
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


def component_of(page: StatusPage, public_id: str) -> Component:
    """A component of the page. Raises NotFound."""
    found = next((one for one in page.components if one.public_id == public_id), None)
    if found is None:
        raise NotFound
    return found


def notice_of(page: StatusPage, public_id: str, *, by: Actor | None = None) -> Notice:
    """A notice of the page; drafts only for people of the system. Raises NotFound."""
    found = session.scalar(select(Notice).where(Notice.page_id == page.id, Notice.public_id == public_id))
    if found is None or (found.draft and by is None):
        raise NotFound
    return found


def opens(link_hash: str | None, token: str) -> bool:
    """Whether this access link opens a page whose link is stored so. Takes as long for a page that has none."""
    right = secrets.same(secrets.digest(token), link_hash or "0" * 64)
    return right and link_hash is not None and bool(token)


def address_of(page: StatusPage) -> str:
    """Where people read it."""
    return f"{current_app.config['BASE_URL']}/status/{page.slug}"


def groups(components: Iterable[Component]) -> list[tuple[str, list[Component]]]:
    """The components by group, in the order in which each group first appears."""
    found: dict[str, list[Component]] = {}
    for one in components:
        found.setdefault(one.group, []).append(one)
    return list(found.items())


def overall(page: StatusPage) -> str:
    """The worst that any component shows."""
    return rules.worst(one.state for one in page.components)


def component_document(component: Component) -> dict[str, Any]:
    """The component as the configuration document writes it."""
    found: dict[str, Any] = {"name": component.name, "description": component.description, "group": component.group,
                             "services": [service.key for service in component.services]}
    return {name: value for name, value in found.items() if value or name in ("name", "services")}


def page_document_of(page: StatusPage) -> dict[str, Any]:
    """The page as the configuration document writes it: no link, no logo."""
    return {"slug": page.slug, "name": page.name, "team": page.team.key if page.team else None, "access": page.access,
            "draft": page.draft, "time_zone": page.time_zone, "language": page.language, "intro": page.intro,
            "hosts": list(page.hosts), "accent": page.accent or None, "auto_notice": page.auto_notice,
            "auto_resolve": page.auto_resolve, "export": dict(page.exports) or None,
            "components": [component_document(one) for one in page.components]}


def resolvable(notice: Notice) -> bool:
    """Whether all incidents that it is about are over, and it is not."""
    if notice.state == rules.RESOLVED or notice.draft:
        return False
    found = session.scalars(select(Incident.status).join(NoticeIncident, NoticeIncident.incident_id == Incident.id)
                            .where(NoticeIncident.notice_id == notice.id)).all()
    return bool(found) and all(status == "resolved" for status in found)
