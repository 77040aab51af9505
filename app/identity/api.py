"""What machines may ask about themselves."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, request

from app.core.access import access
from app.core.openapi import PROBLEM, operation, sent
from app.core.web import actor
from app.identity import erasing, estates, teams
from app.identity.door import me as person
from app.identity.queries import allow, user_document
from app.identity.team_pages import team_of

blueprint = Blueprint("identity_api", __name__)
TEXT = {"type": "string"}
MEMBER = {"type": "object", "required": ["key", "name", "role"],
          "properties": {"key": TEXT, "name": TEXT, "role": {"enum": ["manager", "responder", "observer"]}}}
ME = {"type": "object", "required": ["id", "email", "name", "role", "time_zone", "teams", "scopes"],
      "properties": {"id": TEXT, "email": TEXT, "name": TEXT, "role": {"enum": ["admin", "member"]}, "time_zone": TEXT,
                     "teams": {"type": "array", "items": MEMBER},
                     "scopes": {"type": ["array", "null"], "items": TEXT,
                                "description": "What this token is limited to; null: all of the person's rights"}}}


@blueprint.get("/me")
@access("own.read")
@operation("Who this token acts as", responses={200: ME}, tag="people")
def me() -> Any:
    """The person behind the token, their teams, and the token's scopes."""
    user = person()
    scopes = g.get("scopes")
    teams = [{"key": member.team.key, "name": member.team.name, "role": member.role}
             for member in sorted(user.memberships, key=lambda member: member.team.key)]
    return jsonify({"id": str(user.id), **user_document(user), "teams": teams,
                    "scopes": None if scopes is None else sorted(scopes)})


ARCHIVE = {"type": "object", "additionalProperties": False, "properties": {
    "to": {"type": ["string", "null"], "description": "Key of the team that takes over what it owns; else all is put away"},
    "force": {"type": "boolean", "default": False, "description": "Leave its services without an owner; else they are 409"}}}
ARCHIVED = {"type": "object", "required": ["moved", "becomes"], "properties": {"moved": {
    "type": "object", "additionalProperties": {"type": "array", "items": TEXT}, "description": "Names by kind"},
    "becomes": {"type": "object", "additionalProperties": TEXT, "description": "What the things of each kind do now"}}}


@blueprint.post("/teams/<key>/archive")
@access("team.create")
@operation("Archive a team; what it owns goes to another, or is put away with it", request=ARCHIVE,
           responses={200: ARCHIVED, 409: PROBLEM}, tag="teams", body_needed=False)
def archive(key: str) -> Any:
    """Archive a team."""
    by = actor()
    team = team_of(key, by)
    allow(by, "team.create", team_id=team.id)
    said = sent(request)
    to = str(said.get("to") or "")
    becomes = estates.becomes(team, to)
    return jsonify({"moved": estates.close_team(team, to=to, force=said.get("force", False), by=by), "becomes": becomes})


@blueprint.post("/teams/<key>/restore")
@access("team.create")
@operation("Take an archived team back into use", responses={204: None}, tag="teams", body_needed=False)
def restore(key: str) -> Any:
    """Take it back."""
    by = actor()
    teams.restore_team(team_of(key, by), by=by)
    return "", 204


ERASED = {"type": "object", "required": ["id", "name", "email"], "properties": {"id": TEXT, "name": TEXT, "email": TEXT}}


@blueprint.post("/users/<key>/erase")
@access("people.erase")
@operation("Erase a deactivated person, by address or id: history names Former person n; there is no way back",
           responses={200: ERASED, 409: PROBLEM}, tag="people", body_needed=False)
def erase(key: str) -> Any:
    """Erase a person."""
    by = actor()
    allow(by, "people.erase")
    erased = erasing.erase_user(erasing.person_named(key), by=by)
    return jsonify({"id": str(erased.id), "name": erased.name, "email": erased.email})
