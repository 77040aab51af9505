"""The kinds of objects that can be configured, each composed of what the domains offer for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from app.catalog import window_queries as windows
from app.catalog.models import Service, ServiceDependency
from app.catalog.queries import service_by_key, service_document
from app.catalog.queries import visible as visible_services
from app.catalog.service import remove_service, save_service
from app.catalog.window_service import remove_maintenance, save_maintenance
from app.config import teams
from app.connections import queries as connections
from app.connections.service import remove_connection, save_connection
from app.core.access import Actor
from app.core.db import session
from app.escalation import policies
from app.escalation.documents import policy_documents
from app.escalation.models import Policy
from app.escalation.queries import policy_by_key
from app.heartbeats import queries as heartbeats
from app.heartbeats.service import remove_heartbeat, save_heartbeat
from app.identity.models import Team, User
from app.identity.queries import may, team_by_key, user_by_email, user_document, visible_teams
from app.identity.service import (
    activate_user,
    deactivate_user,
    remove_team,
    restore_team,
    save_team,
    save_user,
)
from app.ingest import queries as ingest
from app.ingest import route_store as routes
from app.ingest.service import remove_integration, save_integration
from app.notifications import duty_wishes, rooms
from app.notifications.contacts import save_contact_methods, save_rules
from app.notifications.queries import contact_documents, rule_documents
from app.notifications.quiet import documents as quiet_documents
from app.notifications.quiet import save as save_quiet
from app.oncall import queries as oncall
from app.oncall.archive import restore_schedule
from app.oncall.models import Schedule
from app.oncall.service import remove_schedule, save_schedule
from app.partners import queries as partners
from app.partners.models import Partner
from app.partners.service import deactivate, reactivate, save_partner
from app.postmortems import patterns as templates
from app.runbooks import queries as runbooks
from app.runbooks.models import Runbook
from app.runbooks.service import remove_runbook, save_runbook
from app.status_pages import queries as status_pages
from app.status_pages.service import remove_page, save_page
from app.webhooks import queries as webhooks
from app.webhooks.service import remove_webhook, save_webhook
from app.workflows import queries as workflows
from app.workflows.service import archive as archive_workflow
from app.workflows.service import restore as restore_workflow
from app.workflows.service import save_workflow

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind: where it stands in the document, how it is found, written down, saved and removed.

    `later` are the keys that name objects of later kinds: `finish` saves them once everything exists. `restore` takes
    back into use what was put away and is named again.
    """

    name: str
    noun: str
    id: str
    find: Callable[[str], Any]
    query: Callable[[Actor], Select[Any]]
    documents: Callable[[Sequence[Any]], list[dict[str, Any]]]
    save: Callable[..., Any]
    remove: Callable[..., Any]
    finish: Callable[..., None]
    read: str
    edit: str
    later: tuple[str, ...] = ()
    restore: Callable[..., Any] | None = None

    def document(self, thing: Any) -> dict[str, Any]:
        """One object as the document writes it."""
        return self.documents([thing])[0]

    def key(self, thing: Any) -> str:
        """What the document calls this object."""
        return str(getattr(thing, self.id))


def _nothing(thing: Any, values: Values, *, by: Actor) -> None:
    """There is nothing left to say about objects of this kind."""


def _of_teams(query: Select[Any], column: Any, by: Actor) -> Select[Any]:
    teams = visible_teams(by)
    return query if teams is None else query.where(column.in_(teams) | column.is_(None))


def _each(document: Callable[[Any], dict[str, Any]]) -> Callable[[Sequence[Any]], list[dict[str, Any]]]:
    """Written one by one: what is read with the objects is all that is needed."""
    return lambda things: [document(one) for one in things]


def _user_documents(users: Sequence[User]) -> list[dict[str, Any]]:
    ids = [user.id for user in users]
    contacts, rules, quiet = contact_documents(ids), rule_documents(ids), quiet_documents(ids)
    notices = duty_wishes.choices(ids)
    return [{**user_document(user), "contact_methods": contacts[user.id], "rules": rules[user.id],
             "quiet_hours": quiet[user.id], "duty_notices": notices[user.id]} for user in users]


def _finish_user(user: User, values: Values, *, by: Actor) -> None:
    if values.get("contact_methods") is not None:
        save_contact_methods(user, values["contact_methods"], by=by)
    if values.get("rules") is not None:
        save_rules(user, values["rules"], by=by)
    if values.get("quiet_hours") is not None:
        save_quiet(user, values["quiet_hours"], by=by)
    if values.get("duty_notices") is not None:
        duty_wishes.choose(user, {**duty_wishes.choices([user.id])[user.id], **values["duty_notices"]}, by=by)


def _restore_user(user: User, *, by: Actor) -> None:
    """Only who was deactivated: who is invited answers for themselves."""
    if user.state == "deactivated":
        activate_user(user, by=by)


def _restore_partner(partner: Partner, *, by: Actor) -> None:
    """Only who was deactivated."""
    if partner.state != "active":
        reactivate(partner, by=by)


def _service_documents(services: Sequence[Service]) -> list[dict[str, Any]]:
    keys = {key: name for key, name in session.execute(
        select(Policy.id, Policy.key).where(Policy.id.in_({one.policy_id for one in services})))}
    return [{**service_document(one), "policy": keys.get(one.policy_id or 0)} for one in services]


def _finish_service(service: Service, values: Values, *, by: Actor) -> None:
    if "policy" in values:
        policies.set_service_policy(service, values["policy"], by=by)


def _save_schedule(values: Values, *, by: Actor) -> Schedule:
    """A layer may be left without a name."""
    if not values.get("layers"):
        return save_schedule(values, by=by)
    layers = [{"name": f"layer {at}", **layer} for at, layer in enumerate(values["layers"], 1)]
    return save_schedule({**values, "layers": layers}, by=by)


KINDS: tuple[Kind, ...] = (
    Kind("users", "user", "email", user_by_email,
         lambda by: select(User).where(User.state != "deactivated").order_by(User.email),
         _user_documents, save_user, deactivate_user, _finish_user, "people.read", "people.edit",
         ("contact_methods", "rules", "quiet_hours", "duty_notices"), _restore_user),
    Kind("teams", "team", "key", team_by_key,
         lambda by: _of_teams(select(Team).where(Team.archived_at.is_(None)), Team.id, by),
         teams.documents, save_team, remove_team, teams.finish, "team.read", "team.edit",
         ("policy", "digest", "postmortems", "global_workflows"), restore_team),
    Kind("postmortem_templates", "postmortem template", "key", templates.template_by_key, templates.in_document,
         _each(templates.template_values), templates.save_named, templates.remove_template, _nothing,
         "postmortem.read", "postmortem.manage"),
    Kind("schedules", "schedule", "key", oncall.schedule_by_key,
         lambda by: _of_teams(oncall.in_use(), Schedule.team_id, by).options(*map(selectinload, (
             Schedule.team, Schedule.layers, Schedule.overrides, Schedule.calendars))), oncall.schedule_documents,
         _save_schedule, remove_schedule, _nothing, "schedule.read", "schedule.edit", (), restore_schedule),
    Kind("rooms", "room", "key", rooms.room_by_key, rooms.visible, rooms.room_documents, rooms.save_room,
         rooms.remove_room, rooms.finish, "team.read", "team.edit", ("service",)),
    Kind("webhooks", "webhook", "key", webhooks.webhook_by_key, webhooks.visible, _each(webhooks.webhook_document),
         save_webhook, remove_webhook, _nothing, "webhook.read", "webhook.edit"),
    Kind("escalation_policies", "policy", "key", policy_by_key,
         lambda by: _of_teams(select(Policy), Policy.team_id, by), policy_documents,
         policies.save_policy, policies.remove_policy, _nothing, "team.read", "policy.edit"),
    Kind("services", "service", "key", service_by_key,
         lambda by: visible_services(select(Service), by).options(
             selectinload(Service.team), selectinload(Service.dependencies).selectinload(ServiceDependency.depends_on)),
         _service_documents, save_service, remove_service, _finish_service, "team.read", "service.edit",
         ("depends_on", "policy")),
    Kind("integrations", "integration", "key", ingest.integration_by_key,
         ingest.own, _each(ingest.integration_document),
         save_integration, remove_integration, _nothing, "integration.read", "integration.edit"),
    Kind("heartbeats", "heartbeat", "key", heartbeats.heartbeat_by_key, heartbeats.visible,
         _each(heartbeats.heartbeat_document), save_heartbeat, remove_heartbeat, _nothing,
         "integration.read", "integration.edit"),
    Kind("connections", "connection", "key", connections.connection_by_key, connections.visible,
         _each(connections.connection_document), save_connection, remove_connection, _nothing,
         "connection.read", "connection.edit"),
    Kind("runbooks", "runbook", "key", runbooks.runbook_by_key,
         lambda by: runbooks.visible(by).where(Runbook.state != "deprecated"), _each(runbooks.runbook_document),
         save_runbook, remove_runbook, _nothing, "runbook.read", "runbook.edit"),
    Kind("workflows", "workflow", "key", workflows.workflow_by_key, workflows.visible, workflows.workflow_documents,
         save_workflow, archive_workflow, _nothing, "workflow.read", "workflow.edit", (), restore_workflow),
    Kind("maintenance", "maintenance window", "key", windows.maintenance_by_key,
         lambda by: windows.of_kind("maintenance", by), windows.maintenance_documents, save_maintenance,
         remove_maintenance, _nothing, "team.read", "maintenance.edit"),
    Kind("routes", "route", "name", routes.route_by_name, routes.visible,
         _each(routes.route_document), routes.save_route, routes.remove_route, _nothing, "route.read", "route.edit"),
    Kind("status_pages", "status page", "slug", status_pages.page_by_slug, status_pages.visible,
         _each(status_pages.page_document_of), save_page, remove_page, _nothing, "status_page.read", "status_page.edit"),
    Kind("partners", "partner", "email", partners.partner_by_key, partners.in_document,
         _each(partners.partner_document), save_partner, deactivate, _nothing, "partner.read", "partner.admin", (),
         _restore_partner),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def save_whole(kind: Kind, values: Values, *, by: Actor) -> Any:
    """Create or change one object with everything about it, as the API does."""
    thing = kind.save(values, by=by)
    kind.finish(thing, values, by=by)
    return thing


def early(kind: Kind, values: Values) -> dict[str, Any]:
    """What can be saved before the objects of later kinds exist."""
    return {name: value for name, value in values.items() if name not in kind.later}


def everything(kind: Kind, by: Actor) -> list[Any]:
    """All objects of a kind that `by` may see, by key; routes in their order."""
    found = list(session.scalars(kind.query(by)).unique())
    return found if kind.name == "routes" else sorted(found, key=kind.key)


def team_of(kind: Kind, thing: Any) -> int | None:
    """The team that an object belongs to; None for people and for what is nobody's."""
    if kind.name == "users":
        return None
    found: int | None = thing.id if kind.name == "teams" else thing.team_id
    return found


def is_theirs(kind: Kind, thing: Any, by: Actor) -> bool:
    """Whether `by` may change this object."""
    return by.user_id is None or may(by, kind.edit, team_id=team_of(kind, thing))
