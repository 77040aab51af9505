"""Escalate now, and who would be asked, for machines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select

from app.catalog.queries import service_by_key
from app.core import clock
from app.core.access import access
from app.core.db import session
from app.core.errors import Invalid, NotFound, Problem
from app.core.openapi import PROBLEM, component, operation, query
from app.core.web import actor
from app.escalation import queries, service, targets
from app.identity.models import User
from app.identity.queries import allow
from app.incidents.queries import incident_document, incident_for

blueprint = Blueprint("escalation_api", __name__)

PERSON = {"type": "object", "required": ["email", "name"],
          "properties": {"email": {"type": "string"}, "name": {"type": "string"}}}
DUTY = component("ServiceDuty", {
    "type": "object", "required": ["at", "policy", "levels"], "properties": {
        "at": {"type": "string"}, "policy": {"type": "string"},
        "levels": {"type": "array", "items": {"type": "object", "properties": {
            "level": {"type": "integer"}, "people": {"type": "array", "items": PERSON},
            "rooms": {"type": "array", "items": {"type": "string"}},
            "webhooks": {"type": "array", "items": {"type": "string"}},
            "problems": {"type": "array", "items": {"type": "string"}}}}}}})


@blueprint.post("/incidents/<number>/escalate")
@access("incident.act")
@operation("Page the next level now", responses={200: {"$ref": "#/components/schemas/Incident"}, 409: PROBLEM},
           body_needed=False)
def escalate(number: str) -> Response:
    """The next level is paged at once; an acknowledged incident is triggered again."""
    return jsonify(incident_document(service.escalate(incident_for(number, actor()), by=actor())))


@blueprint.get("/services/<key>/on-duty")
@access("schedule.read")
@operation("Who would be paged for the service, per level", responses={200: DUTY},
           parameters=(query("at", "An instant; now when left out"),))
def service_on_duty(key: str) -> Response:
    """The levels of the policy that counts for the service, and whom they mean at an instant."""
    found = service_by_key(key)
    if found is None:
        raise NotFound
    allow(actor(), "schedule.read", team_id=found.team_id)
    at = instant()
    policy = queries.policy_for(found, found.team)
    frozen = queries.frozen(policy) if policy else queries.catch_all()
    levels = [_level(number, level, at) for number, level in enumerate(frozen.levels, 1)]
    return jsonify({"at": clock.rfc3339(at), "policy": frozen.name, "levels": levels})


def _level(number: int, level: dict[str, Any], at: datetime) -> dict[str, Any]:
    resolved = targets.whom(level, at)
    people = session.scalars(select(User).where(User.id.in_(resolved.people)).order_by(User.id))
    return {"level": number, "people": [{"email": person.email, "name": person.name} for person in people],
            "rooms": list(resolved.rooms.values()), "webhooks": list(resolved.hooks.values()), "problems": resolved.problems}


def instant() -> datetime:
    """The instant asked for by `?at=`, now when left out. Raises Invalid."""
    try:
        return clock.parse_instant(request.args["at"]) if request.args.get("at") else clock.now()
    except (ValueError, OverflowError):
        raise Invalid(problems=[Problem("at", "at is a time like 2026-03-01T09:00:00Z")]) from None
