"""Pages about people and teams."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from app.core.access import access
from app.core.errors import Conflict, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity import (
    accessibility,
    audit_routes,
    erasing_routes,
    estates,
    factors_routes,
    me,
    pages,
    passkeys_routes,
    reauth,
    service,
    setup_routes,
    signin,
    sso_routes,
    team_pages,
)
from app.identity.credentials import make_link
from app.identity.door import blueprint
from app.identity.queries import allow

__all__ = ["accessibility", "audit_routes", "blueprint", "erasing_routes", "factors_routes", "me", "passkeys_routes",
           "reauth", "setup_routes", "sso_routes"]


@blueprint.get("/people")
@access("people.read")
def people() -> Any:
    """Everybody."""
    state = next((one for one in ("deactivated", "former") if one == request.args.get("state")), "active")
    return page("identity/people.html", pages.people_page(actor(), q=request.args.get("q", "").strip(), state=state))


@blueprint.get("/people/new")
@access("people.edit")
def new_person() -> Any:
    """The form that adds a person."""
    return page("identity/person_new.html", pages.new_person_page({"role": "member", "time_zone": "UTC"}))


@blueprint.post("/people")
@access("people.edit")
def add_person() -> Any:
    """Add a person, and show the link with which they choose a password."""
    by = actor()
    values = {name: request.form.get(name, "") for name in ("email", "name", "role", "time_zone")}
    try:
        user = service.add_user(values, by=by)
    except Invalid as refusal:
        return page("identity/person_new.html", pages.new_person_page(values, refusal.problems), status=422)
    return page("identity/person.html", pages.person_page(user, by, link=make_link(user, by=by)))


@blueprint.get("/people/<int:user_id>")
@access("people.read")
def person(user_id: int) -> Any:
    """One person."""
    return page("identity/person.html", pages.person_page(pages.person_of(user_id), actor()))


@blueprint.post("/people/<int:user_id>")
@access("people.edit")
def change_person(user_id: int) -> Any:
    """Change name, time zone or platform role."""
    user, by = pages.person_of(user_id), actor()
    values = {name: request.form[name] for name in ("name", "role", "time_zone") if name in request.form}
    asked = reauth.stale() if values.get("role", user.role) != user.role else None
    if asked is not None:
        return asked
    try:
        service.save_user({"email": user.email, **values}, by=by)
    except Invalid as refusal:
        shown = pages.person_page(user, by, form=values, problems=refusal.problems)
        return page("identity/person.html", shown, status=422)
    return go(url_for(".person", user_id=user.id), "Saved")


@blueprint.post("/people/<int:user_id>/link")
@access("people.edit")
def link_for_person(user_id: int) -> Any:
    """A one-time link with which the person sets a new password."""
    user, by = pages.person_of(user_id), actor()
    asked = reauth.stale()
    if asked is not None:
        return asked
    return page("identity/person.html", pages.person_page(user, by, link=make_link(user, by=by)))


@blueprint.post("/people/<int:user_id>/end-logins")
@access("people.edit")
def end_logins_of_person(user_id: int) -> Any:
    """Sign the person out everywhere."""
    user = pages.person_of(user_id)
    count = signin.end_logins(user, by=actor())
    return go(url_for(".person", user_id=user.id), f"{count} login{'' if count == 1 else 's'} ended")


@blueprint.post("/people/<int:user_id>/deactivate")
@access("people.edit")
def deactivate_person(user_id: int) -> Any:
    """End all access of a person."""
    user = service.deactivate_user(pages.person_of(user_id), by=actor())
    return go(url_for(".person", user_id=user.id), f"{user.name} is deactivated")


@blueprint.post("/people/<int:user_id>/activate")
@access("people.edit")
def activate_person(user_id: int) -> Any:
    """Let a person in again."""
    user = service.activate_user(pages.person_of(user_id), by=actor())
    return go(url_for(".person", user_id=user.id), f"{user.name} is active again")


@blueprint.get("/teams")
@access("team.read")
def teams() -> Any:
    """The teams."""
    return page("identity/teams.html", team_pages.teams_page(actor(), archived=request.args.get("archived") == "1"))


@blueprint.get("/teams/-/new")
@access("team.create")
def new_team() -> Any:
    """The form of a new team."""
    return page("identity/team_form.html", team_pages.team_form(None))


@blueprint.post("/teams")
@access("team.create")
def add_team() -> Any:
    """Create a team."""
    values = _team_values("key")
    try:
        team = service.add_team(values, by=actor())
    except Invalid as refusal:
        shown = team_pages.team_form(None, form=values, problems=refusal.problems)
        return page("identity/team_form.html", shown, status=422)
    return go(url_for(".team", key=team.key), f"Team {team.name} created")


def _team_values(*more: str) -> dict[str, Any]:
    values: dict[str, Any] = {name: request.form.get(name, "") for name in (*more, "name", "description", "tags")}
    return values | {name: request.form.get(name, "") for name in ("private", "note_required")}


@blueprint.get("/teams/<key>")
@access("team.read")
def team(key: str) -> Any:
    """One team."""
    by = actor()
    return page("identity/team.html", team_pages.team_page(team_pages.team_of(key, by), by))


@blueprint.get("/teams/<key>/edit")
@access("team.edit")
def edit_team(key: str) -> Any:
    """The form of one team."""
    by = actor()
    team = team_pages.team_of(key, by)
    allow(by, "team.edit", team_id=team.id)
    return page("identity/team_form.html", team_pages.team_form(team))


@blueprint.post("/teams/<key>")
@access("team.edit")
def change_team(key: str) -> Any:
    """Change a team, unless somebody else did meanwhile."""
    by = actor()
    team, values = team_pages.team_of(key, by), _team_values()
    try:
        service.save_team({"key": team.key, **values}, by=by, seen=request.form.get("seen", ""))
    except Invalid as refusal:
        shown = team_pages.team_form(team, form=values, problems=refusal.problems)
        return page("identity/team_form.html", shown, status=422)
    except Conflict as refusal:
        return page("identity/team_form.html", team_pages.team_form(team, problem=refusal.detail), status=409)
    return go(url_for(".team", key=team.key), "Saved")


@blueprint.post("/teams/<key>/members")
@access("team.edit")
def add_member(key: str) -> Any:
    """Add a person to a team."""
    by = actor()
    team = team_pages.team_of(key, by)
    allow(by, "team.edit", team_id=team.id)
    chosen = request.form.get("user", "")
    user = pages.person_of(chosen)
    try:
        service.set_member(team, user, request.form.get("role", "responder"), by=by, new=True)
    except (Conflict, Invalid) as refusal:
        return page("identity/team.html", team_pages.team_page(team, by, problem=refusal.detail), status=refusal.status)
    return go(url_for(".team", key=team.key), f"{user.name} is in {team.name} now")


@blueprint.post("/teams/<key>/members/<int:user_id>")
@access("own.edit")
def change_member(key: str, user_id: int) -> Any:
    """Change somebody's role in a team, or take them out (`role` empty); the last manager only when confirmed."""
    by = actor()
    team, user, role = team_pages.team_of(key, by), pages.person_of(user_id), request.form.get("role", "")
    try:
        service.set_member(team, user, role or None, by=by, without_manager=request.form.get("confirmed") == "1")
    except Conflict as refusal:
        asked = team_pages.team_page(team, by, question=team_pages.Question(refusal.detail, user.id, role))
        return page("identity/team.html", asked, status=409)
    gone = team.private and not role and by.user_id == user.id
    return go(url_for(".teams") if gone else url_for(".team", key=team.key), "Saved")


@blueprint.get("/teams/<key>/archive")
@access("team.create")
def ask_to_archive(key: str) -> Any:
    """What becomes of a team's things when it is put away."""
    by = actor()
    return page("identity/team_archive.html", estates.archive_page(team_pages.team_of(key, by), by))


@blueprint.post("/teams/<key>/archive")
@access("team.create")
def archive_team(key: str) -> Any:
    """Put a team away, and its things with it or in other hands."""
    by, to = actor(), request.form.get("to", "")
    team = team_pages.team_of(key, by)
    try:
        estates.close_team(team, to=to, force=True, by=by)  # the page has shown what is left behind
    except Invalid as refusal:
        shown = estates.archive_page(team, by, to=to, errors=pages.errors_of(refusal.problems))
        return page("identity/team_archive.html", shown, status=422)
    return go(url_for(".team", key=team.key), f"Team {team.name} is archived")


@blueprint.post("/teams/<key>/restore")
@access("team.create")
def restore_team(key: str) -> Any:
    """Take an archived team back into use."""
    by = actor()
    team = service.restore_team(team_pages.team_of(key, by), by=by)
    return go(url_for(".team", key=team.key), f"Team {team.name} is in use again")
