"""Pages of policies, and the button that pages the next level now."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.catalog.queries import allow_somewhere, service_named
from app.core.access import access
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.escalation import drafts, forms, pages, service
from app.escalation.models import Policy
from app.identity.queries import allow, may_anywhere, team_by_key
from app.incidents.queries import incident_for

blueprint = Blueprint("escalation", __name__)


@blueprint.post("/incidents/<id>/escalate")
@access("incident.act")
def escalate(id: str) -> Response:
    """Page the next level now; where that is not possible, the page of the incident says why."""
    back = url_for("incidents.show", id=id)
    try:
        service.escalate(incident_for(id, actor()), by=actor())
    except Conflict as conflict:
        return go(back, conflict.detail, tone="danger")
    return go(back, f"#{id}: the next level is paged")


@blueprint.get("/policies")
@access("team.read")
def index() -> Response:
    """All policies."""
    return page("escalation/index.html", pages.policies_page(actor()))


@blueprint.get("/policies/-/new")
@access("policy.edit")
def new() -> Response:
    """The form of a new policy."""
    _allow_somewhere()
    return page("escalation/edit.html", forms.shown(None, actor()))


@blueprint.post("/policies/-/new")
@access("policy.edit")
def create() -> Response:
    """Add a policy; a press that only changes the form shows it again."""
    _allow_somewhere()
    return _edited(None)


def _allow_somewhere() -> None:
    if not may_anywhere(actor(), "policy.edit"):
        raise Forbidden("Your role does not include this.")


@blueprint.get("/policies/<key>")
@access("team.read")
def show(key: str) -> Response:
    """One policy."""
    return page("escalation/policy.html", pages.policy_page(key, actor()))


@blueprint.get("/policies/<key>/edit")
@access("policy.edit")
def edit(key: str) -> Response:
    """The form of a policy."""
    found = _editable(key)
    return page("escalation/edit.html", forms.shown(found, actor()))


@blueprint.post("/policies/<key>/edit")
@access("policy.edit")
def change(key: str) -> Response:
    """Change a policy; a press that only changes the form shows it again."""
    return _edited(_editable(key))


def _editable(key: str) -> Policy:
    found = pages.policy_for(key, actor())
    allow(actor(), "policy.edit", team_id=found.team_id)
    return found


def _edited(policy: Policy | None) -> Response:
    draft, action = drafts.read(request.form.to_dict(flat=False)), request.form.get("action", "save")
    if action != "save":
        return page("escalation/edit.html", forms.shown(policy, actor(), draft=drafts.moved(draft, action)))
    if policy is not None and request.form.get("version", "") != str(policy.version):
        problem = "Somebody saved this policy meanwhile. Saving again replaces what they did."
        return page("escalation/edit.html", forms.shown(policy, actor(), draft=draft, problem=problem), status=409)
    values = drafts.values(draft) | ({"key": policy.key} if policy else {})
    try:
        saved = (service.save_policy if policy else service.add_policy)(values, by=actor())
    except Invalid as refusal:
        return page("escalation/edit.html", forms.shown(policy, actor(), draft=draft, invalid=refusal), status=422)
    return go(url_for(".show", key=saved.key), f"Saved {saved.name}. What pages already keeps the version it began with")


@blueprint.post("/policies/<key>/delete")
@access("policy.edit")
def delete(key: str) -> Response:
    """Delete a policy that nothing uses; else its page says what does."""
    found = _editable(key)
    try:
        service.remove_policy(found, by=actor())
    except Conflict as refusal:
        return page("escalation/policy.html", pages.policy_page(key, actor(), problem=refusal.detail), status=409)
    return go(url_for(".index"), f"{found.name} is deleted")


@blueprint.post("/policies/<key>/default")
@access("team.edit")
def default(key: str) -> Response:
    """Make it a team's default, or with `off` take it away."""
    found, team = pages.policy_for(key, actor()), team_by_key(request.form.get("team", ""))
    allow(actor(), "team.edit", team_id=team.id if team else found.team_id)
    if team is None:
        shown = pages.policy_page(key, actor(), problem="Choose a team")
        return page("escalation/policy.html", shown, status=422)
    off = "off" in request.form
    service.set_team_policy(team, None if off else found.key, by=actor())
    return go(url_for(".show", key=key), f"{team.name} has no default policy now" if off else
              f"{found.name} is the default of {team.name}")


@blueprint.post("/policies/<key>/service")
@access("service.edit")
def serve(key: str) -> Response:
    """Let it count for a service in place of its team's, or with `off` its team's again."""
    allow_somewhere(actor())
    found, named = pages.policy_for(key, actor()), service_named(request.form.get("service", "").strip(), actor())
    if named is None:
        shown = pages.policy_page(key, actor(), problem="Name a service by its key")
        return page("escalation/policy.html", shown, status=422)
    allow(actor(), "service.edit", team_id=named.team_id)
    off = "off" in request.form
    service.set_service_policy(named, None if off else found.key, by=actor())
    return go(url_for(".show", key=key), f"For {named.name} its team's policy counts now" if off else
              f"{found.name} counts for {named.name}")
