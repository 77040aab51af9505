"""From the fields of the document to a page and its components, with all checks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from app.catalog.queries import services_by_keys
from app.core.access import Actor
from app.core.db import session
from app.core.forms import (
    Problems,
    check_boolean,
    check_list,
    check_text,
    one_of,
    time_zone,
)
from app.core.secrets import seal
from app.identity.queries import may, team_named
from app.status_pages import branding, rules, words
from app.status_pages.models import Component, Span, StatusPage

HEADER = re.compile(r"[A-Za-z0-9-]{1,60}: ?\S.*")
HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


@dataclass(frozen=True)
class Edit:
    """A page that is being filled, by whom, and what is wrong so far."""

    page: StatusPage
    by: Actor
    faults: Problems


def fill(edit: Edit, values: Mapping[str, Any]) -> list[Component]:
    """Take what is named; the components that are new."""
    page, faults = edit.page, edit.faults
    if "name" in values:
        page.name = faults.take("name", check_text, values["name"], least=1, most=100, label="A name") or page.name
    if "team" in values:
        team = team_named(values["team"], edit.by)
        if values["team"] and (team is None or team.archived_at is not None):
            faults.add("team", f"There is no team {values['team']}")
        page.team, page.team_id = team, team.id if team else None
    for name, choices in (("access", rules.ACCESS), ("auto_notice", rules.AUTO), ("language", tuple(words.LANGUAGES))):
        if name in values:
            setattr(page, name, faults.take(name, one_of, values[name], choices=choices) or getattr(page, name))
    for name in ("draft", "auto_resolve"):
        if name in values:
            setattr(page, name, bool(faults.take(name, check_boolean, values[name])))
    if "time_zone" in values:
        page.time_zone = faults.take("time_zone", time_zone, values["time_zone"]) or "UTC"
    if "intro" in values:
        page.intro = faults.take("intro", check_text, values["intro"] or "", most=2000, label="The text") or ""
    if "accent" in values:
        page.accent = faults.take("accent", branding.check_accent, values["accent"]) or ""
    if "export" in values:
        _fill_export(edit, values["export"] or {})
    if "hosts" in values:
        _fill_hosts(edit, values["hosts"])
    return _fill_components(edit, values["components"]) if "components" in values else []


def _fill_export(edit: Edit, given: Mapping[str, Any]) -> None:
    """Where copies go: a folder, an address, and the secret header of the latter, which stays unless one is given."""
    page, faults = edit.page, edit.faults.at("export")
    url = faults.take("url", check_text, given.get("url") or "", most=2000) or ""
    if url and not url.startswith(("https://", "http://")):
        faults.add("url", "Write an address that begins with https://")
    found = {"folder": bool(faults.take("folder", check_boolean, given.get("folder") or False)), "url": url}
    page.exports = {name: value for name, value in found.items() if value}
    page.export_due_at, page.exported_version = None, 0
    header = faults.take("header", check_text, given.get("header") or "", most=1000) or ""
    if header and not HEADER.fullmatch(header):
        faults.add("header", "Write a header like Authorization: Bearer …")
    if header:
        page.export_sealed = seal(header, bound_to=f"status_page:{page.slug}/export")
    elif not url:
        page.export_sealed = None


def _fill_hosts(edit: Edit, given: object) -> None:
    names = edit.faults.take("hosts", check_list, given, most=10, label="Host names") or []
    found = list(dict.fromkeys(str(name).strip().lower() for name in names))
    for at, name in enumerate(found):
        if not HOST.fullmatch(name):
            edit.faults.add(f"hosts[{at}]", f"{name} is not a host name")
    taken = {host: page for page in session.scalars(select(StatusPage)) for host in page.hosts if page is not edit.page}
    for at, name in enumerate(found):
        if name in taken:
            edit.faults.add(f"hosts[{at}]", f"{name} belongs to another page")
    edit.page.hosts = found


def _fill_components(edit: Edit, given: object) -> list[Component]:
    """The components in their order. One keeps its history as long as its name (or `id`) stays."""
    page, faults = edit.page, edit.faults.at("components")
    items = edit.faults.take("components", check_list, given, most=rules.MOST_COMPONENTS, label="Components") or []
    known = {**{one.name: one for one in page.components}, **{one.public_id: one for one in page.components}}
    kept: list[Component] = []
    fresh: list[Component] = []
    for at, item in enumerate(items):
        found = known.get(str(item.get("id") or "")) or known.get(str(item.get("name", "")).strip())
        if found is None or found in kept:
            found = Component(name="", description="", group="", computed=rules.OPERATIONAL, state=rules.OPERATIONAL)
            fresh.append(found)
        _fill_one(edit, found, item, faults.at(f"[{at}]"))
        found.position = at
        kept.append(found)
    _refuse_twice(kept, faults)
    if len({one.group for one in kept}) > rules.MOST_GROUPS:
        edit.faults.add("components", f"A page has {rules.MOST_GROUPS} groups at most")
    gone = [one.id for one in page.components if one not in kept]
    if gone and not edit.faults:
        session.execute(delete(Span).where(Span.component_id.in_(gone)))
    page.components = kept
    return fresh


def _refuse_twice(kept: Sequence[Component], faults: Problems) -> None:
    names = [one.name for one in kept]
    for at, name in enumerate(names):
        if name and name in names[:at]:
            faults.add(f"[{at}].name", f"Another component is called {name}")


def _fill_one(edit: Edit, component: Component, item: Mapping[str, Any], faults: Problems) -> None:
    component.name = faults.take("name", check_text, item.get("name"), least=1, most=100, label="A name") or ""
    for name, most in (("description", 500), ("group", 100)):
        if name in item or component.id is None:
            setattr(component, name, faults.take(name, check_text, item.get(name) or "", most=most) or "")
    if "services" not in item:
        return
    keys = [str(key) for key in item["services"] or []]
    known, former = services_by_keys(keys), set(component.services)
    found = []
    for at, key in enumerate(keys):
        one = known.get(key.lower())
        if one is None or (one not in former and not may(edit.by, "team.read", team_id=one.team_id)):
            faults.add(f"services[{at}]", f"There is no service {key}")
            continue
        found.append(one)
    component.services = list(dict.fromkeys(found))
