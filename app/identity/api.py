"""What machines may ask about themselves."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify

from app.core.access import access
from app.core.openapi import operation
from app.identity.door import me as person
from app.identity.queries import user_document

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
