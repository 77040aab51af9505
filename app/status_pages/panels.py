"""What status pages add to the page of an incident: what readers see of it, and the way to write to them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import session
from app.core.panels import Use
from app.identity.queries import may
from app.incidents.models import Incident
from app.status_pages import queries
from app.status_pages.models import Component, ComponentService, Notice, NoticeIncident, StatusPage


@dataclass(frozen=True)
class Hit:
    """A page that shows the incident's service: its components, and the notice about the incident."""

    page: StatusPage
    components: list[Component]
    notice: Notice | None
    resolvable: bool
    may_write: bool


@dataclass(frozen=True)
class Box:
    """The box on the page of an incident."""

    hits: list[Hit]
    template: str = "panels/incident-status.html"


def of_incident(incident: Incident, by: Actor) -> Box | None:
    """The pages that its service stands on, or that tell of it; None when there are none."""
    components: dict[int, list[Component]] = {}
    for one in session.scalars(select(Component).join(ComponentService).where(
            ComponentService.service_id == incident.service_id).order_by(Component.position)):
        components.setdefault(one.page_id, []).append(one)
    notices = {one.page_id: one for one in session.scalars(select(Notice).join(
        NoticeIncident, NoticeIncident.notice_id == Notice.id).where(NoticeIncident.incident_id == incident.id))}
    pages = session.scalars(queries.visible(by).where(StatusPage.id.in_({*components, *notices})))
    hits = [Hit(page, components.get(page.id, []), notice := notices.get(page.id),
                notice is not None and queries.resolvable(notice), may(by, "status_page.write", team_id=page.team_id))
            for page in pages]
    return Box(hits) if hits else None


def using_service(service: Service) -> list[Use]:
    """The components that follow it, which archiving it leaves manual."""
    return [Use(f"{page}: {name}", team_id=team) for page, name, team in session.execute(
        select(StatusPage.name, Component.name, StatusPage.team_id).join(Component, Component.page_id == StatusPage.id)
        .join(ComponentService, ComponentService.component_id == Component.id)
        .where(ComponentService.service_id == service.id).order_by(StatusPage.name, Component.name))]
