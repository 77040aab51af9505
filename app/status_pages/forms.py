"""What people type on the forms of status pages, as the fields of their document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.catalog.models import Service
from app.catalog.queries import visible as visible_services
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.forms import duration, refuse
from app.core.panels import panels
from app.identity.models import Team
from app.identity.queries import may
from app.oncall.wallclock import local_instant
from app.status_pages import queries
from app.status_pages.models import Component, StatusPage
from app.status_pages.words import LANGUAGES

Choices = list[tuple[str, str]]
TEXTS = ("name", "team", "access", "time_zone", "language", "intro", "accent", "auto_notice")
ACCESS: Choices = [("public", "Public: anybody"),
                   ("private", "Private: whoever has the access link, and people of the system"),
                   ("partner", "Partner: granted partners, and people of the system")]
AUTO: Choices = [("off", "Never"), ("draft", "As a draft that somebody publishes"), ("publish", "At once")]


@dataclass(frozen=True)
class PageForm:
    """The form page: what stands in the fields, what can be chosen, what is wrong."""

    status: StatusPage | None
    values: Mapping[str, Any]
    teams: Choices
    may_be_nobodys: bool
    languages: Choices
    access: Choices = field(default_factory=lambda: ACCESS)
    autos: Choices = field(default_factory=lambda: AUTO)
    errors: Mapping[str, str] = field(default_factory=dict)
    readers: Sequence[str] = ()  # who loses the page with its deletion, as sentences


@dataclass(frozen=True)
class ComponentForm:
    """The form of one component."""

    status: StatusPage
    component: Component | None
    values: Mapping[str, Any]
    services: Choices
    groups: Sequence[str]
    errors: Mapping[str, str] = field(default_factory=dict)


def read(form: Mapping[str, str], found: StatusPage | None) -> dict[str, Any]:
    """The typed text as values for `save_page`."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in TEXTS if name in form}
    values["draft"], values["auto_resolve"] = bool(form.get("draft")), bool(form.get("auto_resolve"))
    values["hosts"] = form.get("hosts", "").replace(",", " ").split()
    if "export_url" in form:
        values["export"] = {"folder": bool(form.get("export_folder")), "url": form["export_url"].strip(),
                            "header": form.get("export_header", "").strip()}
    return {**values, "slug": found.slug if found else form.get("slug", "").strip().lower()}


def shown(found: StatusPage | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
          invalid: Invalid | None = None) -> PageForm:
    """The form with the present values, or with what was typed if it was refused."""
    teams = [team for team in session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
             if may(by, "status_page.edit", team_id=team.id)]
    fresh = {"access": "public", "time_zone": "UTC", "language": "en", "auto_notice": "off", "hosts": []}
    values = typed or (queries.page_document_of(found) if found else fresh)
    return PageForm(found, {**values, "hosts": " ".join(values.get("hosts") or [])}, [(one.key, one.name) for one in teams],
                    may(by, "status_page.edit"), list(LANGUAGES.items()), errors=faults(invalid),
                    readers=[said for said in panels("status_page_readers", found).values() if said] if found else [])


def faults(invalid: Invalid | None) -> dict[str, str]:
    """One sentence for each field."""
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(problem.field.rpartition("].")[2].partition("[")[0], problem.message)
    return errors


def read_component(form: Mapping[str, str], services: Sequence[str]) -> dict[str, Any]:
    """The typed text as a component of the document."""
    return {**{name: form.get(name, "").strip() for name in ("name", "description", "group")}, "services": list(services)}


def shown_component(status: StatusPage, component: Component | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
                    invalid: Invalid | None = None) -> ComponentForm:
    """The form of a component; services that the reader may know of can be chosen."""
    services = session.scalars(visible_services(select(Service).where(Service.lifecycle != "archived"), by)
                               .order_by(Service.name))
    values = typed or (queries.component_document(component) if component else {})
    return ComponentForm(status, component, values, [(one.key, f"{one.name} ({one.team.name})") for one in services],
                         [name for name, _ in queries.groups(status.components) if name], faults(invalid))


def override_end(form: Mapping[str, str]) -> datetime:
    """Until when, from a duration. Raises Invalid."""
    try:
        return clock.now() + timedelta(seconds=duration(form.get("for", "")))
    except ValueError:
        refuse("until", "An override needs an end: a duration like 30m, 4h or 7d")


def moment(text: str, zone: str, name: str) -> datetime:
    """The instant that a local time of the page means. Raises Invalid."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        refuse(name, "Write a local time like 2026-03-01T02:00")
    return found.astimezone(clock.UTC) if found.tzinfo else local_instant(found, ZoneInfo(zone))


def moved(page: StatusPage, component: Component, way: str) -> list[dict[str, Any]]:
    """The components in the order after one of them went up or down."""
    order = list(page.components)
    at = order.index(component)
    to = max(0, at - 1) if way == "up" else min(len(order) - 1, at + 1)
    order.insert(to, order.pop(at))
    return [{"id": one.public_id, "name": one.name} for one in order]


def with_component(page: StatusPage, component: Component | None, values: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The page's components with one added, changed, or (without values) left out."""
    found: list[dict[str, Any]] = []
    for one in page.components:
        if one is not component:
            found.append({"id": one.public_id, "name": one.name})
        elif values is not None:
            found.append({**values, "id": one.public_id})
    return [*found, dict(values)] if component is None and values is not None else found


