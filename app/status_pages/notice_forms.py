"""What people type in the composer of status updates, and the texts that templates put there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.templating import render
from app.identity.queries import may
from app.incidents.models import Incident
from app.incidents.queries import incident_for
from app.status_pages import notices, queries, rules
from app.status_pages.forms import faults, moment
from app.status_pages.maintenance_models import NoticeTemplate
from app.status_pages.models import Notice, NoticeIncident, StatusPage
from app.status_pages.notices import Said
from app.status_pages.texts import html

CHOICES = [("", "Leave it"), (notices.COMPUTED, "As its incidents say"),
           *((state, state.replace("_", " ").capitalize()) for state in rules.STATES)]


@dataclass(frozen=True)
class Preview:
    """What readers will see, and how many are told."""

    html: Markup
    state: str
    shows: str
    recipients: int


@dataclass(frozen=True)
class Composer:
    """The form of an update: of a new notice, or of one that is there."""

    status: StatusPage
    notice: Notice | None
    values: Mapping[str, Any]
    states: list[tuple[str, str]]
    templates: list[NoticeTemplate]
    incident: Incident | None = None
    linked: Sequence[int] = ()
    may_write: bool = True
    may_edit: bool = False
    resolvable: bool = False
    preview: Preview | None = None
    impacts: Sequence[str] = rules.IMPACTS
    choices: list[tuple[str, str]] = field(default_factory=lambda: CHOICES)
    errors: Mapping[str, str] = field(default_factory=dict)
    shown: Callable[[str], Markup] = html


def composer(status: StatusPage, notice: Notice | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
             invalid: Invalid | None = None, **more: Any) -> Composer:
    """The form with what was typed, or begun with a template (`typed["template"]`) and an incident."""
    typed = typed or {}
    incident = incident_for(str(typed["incident"]), by) if typed.get("incident") else None
    templates = list(session.scalars(select(NoticeTemplate).where(NoticeTemplate.page_id == status.id)
                                     .order_by(NoticeTemplate.name)))
    values = {**_begun(status, notice, incident), **{name: value for name, value in typed.items() if value}}
    chosen = next((one for one in templates if str(one.id) == str(typed.get("template") or "")), None)
    if chosen is not None and not typed.get("text"):
        values = {**values, **_filled(chosen, status, values)}
    ready = notice is not None and queries.resolvable(notice)
    if ready and not typed.get("state"):
        values["state"] = rules.RESOLVED
    return Composer(status, notice, values, _states(notice), templates, incident, linked=_linked(notice), resolvable=ready,
                    may_write=may(by, "status_page.write", team_id=status.team_id),
                    may_edit=may(by, "status_page.edit", team_id=status.team_id), errors=faults(invalid), **more)


def _begun(status: StatusPage, notice: Notice | None, incident: Incident | None) -> dict[str, Any]:
    if notice is not None:
        return {"state": notice.state if notice.state != rules.RESOLVED else rules.INVESTIGATING, "changes": {}}
    hit = [one.public_id for one in status.components
           if incident is not None and incident.service_id in {service.id for service in one.services}]
    return {"state": rules.INVESTIGATING, "components": hit, "changes": {}}


def _filled(template: NoticeTemplate, status: StatusPage, values: Mapping[str, Any]) -> dict[str, Any]:
    names = [one.name for one in status.components if one.public_id in (values.get("components") or [])]
    known = {"component": ", ".join(names) or status.name, "page": status.name,
             "started_at": f"{clock.now():%Y-%m-%d %H:%M} UTC", "state": template.state}
    said = {"title": template.title, "text": template.text}
    return {**{name: str(render(text, known).value) for name, text in said.items() if text}, "state": template.state}


def _states(notice: Notice | None) -> list[tuple[str, str]]:
    found = rules.NOTICE_STATES if notice is None or notice.state != rules.RESOLVED else (rules.INVESTIGATING,)
    return [(state, state.capitalize()) for state in found]


def _linked(notice: Notice | None) -> list[int]:
    return [] if notice is None else list(session.scalars(select(NoticeIncident.incident_id).where(
        NoticeIncident.notice_id == notice.id).order_by(NoticeIncident.incident_id)))


def read(form: Mapping[str, str], components: Sequence[str], changes: Mapping[str, str]) -> dict[str, Any]:
    """The typed text, as the composer shows it again."""
    names = ("title", "state", "impact", "text", "incident", "due_at", "at", "started_at", "resolved_at", "template")
    return {**{name: form.get(name, "").strip() for name in names}, "components": list(components),
            "draft": bool(form.get("draft")),
            "changes": {key: state for key, state in changes.items() if state}}


def said_of(values: Mapping[str, Any], zone: str) -> Said:
    """The update that was typed. Raises Invalid for times that are none."""
    return Said(values["state"], values["text"], at=instant(values, "at", zone), due_at=instant(values, "due_at", zone),
                changes=values["changes"])


def instant(values: Mapping[str, Any], name: str, zone: str) -> datetime | None:
    """The instant of a local time that was typed; None where nothing was."""
    return moment(values[name], zone, name) if values.get(name) else None


def notice_values(values: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """What `open_notice` wants beside the update."""
    found = {name: values[name] for name in ("title", "impact", "components", "incident", "draft") if values.get(name)}
    return {**found, **{name: at for name in ("started_at", "resolved_at") if (at := instant(values, name, zone))}}


@dataclass(frozen=True)
class TemplatesPage:
    """The texts that a page keeps."""

    status: StatusPage
    templates: list[NoticeTemplate]
    states: list[tuple[str, str]]
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def templates_page(slug: str, by: Actor, **more: Any) -> TemplatesPage:
    """The page of templates. Raises NotFound, Forbidden."""
    found = queries.page_for(slug, by, "status_page.edit")
    templates = session.scalars(select(NoticeTemplate).where(NoticeTemplate.page_id == found.id)
                                .order_by(NoticeTemplate.name))
    return TemplatesPage(found, list(templates), _states(None), **more)
