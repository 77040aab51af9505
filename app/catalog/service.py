"""Commands on services: who owns them, what they are called, and whether signals reach them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.catalog import events, noise, rules
from app.catalog.dependencies import DEPENDENCIES, set_dependencies, tell
from app.catalog.models import Service
from app.catalog.queries import service_by_key, service_document, used
from app.core import forms
from app.core.access import Actor
from app.core.db import alone, locked, session
from app.core.errors import Conflict
from app.core.events import record
from app.core.forms import Problems
from app.identity.models import Team
from app.identity.queries import allow, may, team_named


def save_service(values: Mapping[str, Any], *, by: Actor) -> Service:
    """Create or change the service `values["key"]`; only what is named changes. Raises Invalid, Forbidden."""
    faults = Problems()
    if values.get("depends_on") is not None:
        alone(DEPENDENCIES)  # before any row is locked, so that two edits wait for each other in one order
    service = service_by_key(str(values.get("key", "")))
    if service is not None:
        service = locked(Service, service.id)
        allow(by, "service.edit", team_id=service.team_id)
    clean = _checked(values, service, faults)
    team = _owner(values, service, by, faults)
    if team and team.archived_at and service and (service.lifecycle, clean.get("lifecycle")) == ("archived", "active"):
        faults.add("lifecycle", f"Its team {team.name} is archived. Hand it to another team first.")
    faults.raise_if_any()
    service = _changed(service, clean, team, by) if service else _created(clean, team, by)
    if values.get("depends_on") is not None:
        set_dependencies({service.key: values["depends_on"]}, by=by, plain_fields=True)
    return service


def hand_over(service: Service, team: Team, *, by: Actor) -> bool:
    """Give it to `team`: at once by who manages both, else as an offer to its managers; whether it is done."""
    service = locked(Service, service.id) or service
    allow(by, "service.edit", team_id=service.team_id)
    if team.archived_at is not None or team.id == service.team_id:
        raise Conflict(f"{team.name} {'is archived' if team.archived_at else 'owns it already'}")
    if may(by, "service.edit", team_id=team.id):
        _transfer(service, team, by)
        return True
    service.offered_team = team
    record(events.OFFERED, service.ref, by=by, also=["services", service.team.ref, team.ref], name=service.name,
           to=team.name, team=service.team.name)
    return False


def answer_offer(service: Service, *, accepted: bool, by: Actor) -> None:
    """The managers of the team that was asked accept or decline; those who offered may take it back."""
    service = locked(Service, service.id) or service
    team = service.offered_team
    if team is None:
        raise Conflict(f"{service.name} is not offered to anybody any more")
    if accepted or not may(by, "service.edit", team_id=service.team_id):
        allow(by, "service.edit", team_id=team.id)
    if accepted:
        return _transfer(service, team, by)
    service.offered_team = None
    record(events.DECLINED, service.ref, by=by, also=["services", service.team.ref, team.ref], name=service.name,
           to=team.name, team=service.team.name)


def _transfer(service: Service, team: Team, by: Actor) -> None:
    service.offered_team = None
    _changed(service, {}, team, by)


def archive_service(service: Service, *, by: Actor, confirmed: bool = False) -> Service:
    """Take it out of routing with the next signal; history stays. Raises Conflict with all that names it."""
    service = locked(Service, service.id) or service
    allow(by, "service.edit", team_id=service.team_id)
    named = {what: names for what, names in used(service, by).items() if names}
    if named and not confirmed:
        said = "; ".join(f"{what}: {', '.join(names[:10])}" for what, names in named.items())
        raise Conflict(f"{service.name} is in use. {said}. Confirm to archive it nevertheless.", dict(named))
    return save_service({"key": service.key, "lifecycle": "archived"}, by=by)


def remove_service(service: Service, *, by: Actor) -> None:
    """Delete a service that was never used; any other is archived, so that its history stays readable."""
    service = locked(Service, service.id) or service
    allow(by, "service.edit", team_id=service.team_id)
    before, ref, name, team = service_document(service), service.ref, service.name, service.team.ref
    try:
        with session.begin_nested():
            session.delete(service)  # what once named it still points at it, and the database refuses
    except IntegrityError:
        if service.lifecycle != "archived":
            archive_service(service, by=by, confirmed=True)
        return
    record(events.REMOVED, ref, by=by, also=["services", team], name=name, before=before)


def _checked(values: Mapping[str, Any], service: Service | None, faults: Problems) -> dict[str, Any]:
    """The clean values of the plain columns that are named."""
    clean: dict[str, Any] = {}
    if service is None:
        clean["key"] = faults.take("key", rules.check_service_key, values.get("key"))
    if "name" in values or service is None:
        clean["name"] = faults.take("name", forms.check_text, values.get("name", ""), least=2, most=100, label="Name")
    if "description" in values:
        clean["description"] = faults.take("description", forms.check_text, values["description"] or "", most=2000)
    if "tags" in values:
        clean["tags"] = faults.take("tags", forms.tags, values["tags"])
    if "noise" in values:
        clean["noise"] = noise.read(values["noise"], faults.at("noise"))
    if "lifecycle" in values:
        clean["lifecycle"] = faults.take("lifecycle", _lifecycle, values["lifecycle"], service=service)
    if "links" in values:
        clean["links"] = faults.take("links", _links, values["links"])
    if "attributes" in values:
        clean["attributes"] = faults.take("attributes", rules.check_attributes, values["attributes"] or {})
    return clean


def _links(value: object) -> list[dict[str, str]]:
    return [rules.check_link(link) for link in forms.check_list(value, most=rules.MOST_LINKS, label="Links")]


def _lifecycle(text: object, *, service: Service | None) -> str:
    wanted = forms.one_of(text, rules.LIFECYCLES)
    return rules.check_move(service.lifecycle, wanted) if service else wanted


def _owner(values: Mapping[str, Any], service: Service | None, by: Actor, faults: Problems) -> Team | None:
    """The owning team after the change; its archived state matters for what becomes active."""
    if "team" not in values:
        if service is None:
            faults.add("team", "A service needs an owner")
        return service.team if service else None
    team = team_named(str(values["team"]), by)
    if team is None or (team.archived_at is not None and (service is None or team.id != service.team_id)):
        faults.add("team", f"There is no team {values['team']}")
        return None
    allow(by, "service.edit", team_id=team.id)
    return team


def _created(clean: dict[str, Any], team: Team | None, by: Actor) -> Service:
    service = Service(**clean, team=team)
    try:
        with session.begin_nested():
            session.add(service)
    except IntegrityError:
        raise Conflict(f"There is a service {clean['key']} already") from None
    record(events.CREATED, service.ref, by=by, also=["services", service.team.ref], name=service.name, before={},
           after=service_document(service))
    return service


def _changed(service: Service, clean: dict[str, Any], team: Team | None, by: Actor) -> Service:
    before, owners = service_document(service), [service.team.ref]
    for name, value in {**clean, "team": team or service.team}.items():
        if getattr(service, name) != value:
            setattr(service, name, value)
    session.flush()
    tell(service, before, by, also=owners)
    return service


def used_by(team: Team) -> int:
    """How many services that are not archived this team owns."""
    return session.scalar(select(func.count()).select_from(Service).where(
        Service.team_id == team.id, Service.lifecycle != "archived")) or 0
