"""Figures for machines, and marks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.core.access import access
from app.core.errors import NotFound
from app.core.openapi import component, operation, query, sent
from app.core.patience import limit
from app.core.web import actor
from app.identity.models import Team
from app.identity.queries import allow, team_by_key
from app.incidents.queries import incident_for
from app.insights import deliveries, digest_service, load, pages, queries, service, tables, times
from app.insights.filters import ADVICE, TAKES, Filters, refuse_others

blueprint = Blueprint("insights_api", __name__)
limit(blueprint, ADVICE)
NUMBER = {"type": ["number", "null"]}
TEXT = {"type": "string"}
STATS = component("Stats", {
    "type": "object", "required": ["count", "median", "mean", "p90", "p95", "p99", "few"], "properties": {
        "count": {"type": "integer"}, "median": NUMBER, "mean": NUMBER, "p90": NUMBER, "p95": NUMBER, "p99": NUMBER,
        "few": {"type": "boolean", "description": "Fewer than 5 cases"}}})
ASKED = (query("from", "The first local day", form="date"), query("to", "The last local day, included", form="date"),
         query("days", "So many days to today; 30 when nothing is said"),
         query("time_zone", "Whose days; yours when left out"))
FIGURES = component("Insights", {
    "type": "object", "required": ["from", "to", "time_zone", "filters", "unit"], "properties": {
        "from": TEXT, "to": TEXT, "time_zone": TEXT, "unit": TEXT, "filters": {"type": "object"},
        "incidents": {"type": "integer"}, "acknowledge": STATS, "resolve": STATS, "teams": {"type": "array"},
        "sources": {"type": "array"}, "channels": {"type": "array"}, "first_pages": STATS,
        "hours_over_target": {"type": "array"}, "providers_in_trouble": {"type": "array"}}})
SAME = "The same numbers as on the page, with units, over what the caller may see."
REASON = {"type": "object", "additionalProperties": False, "required": ["reason"], "properties": {
    "reason": {"type": "string", "minLength": 1, "maxLength": 200}}}

WISH = component("DigestWish", {"type": "object", "additionalProperties": False, "required": ["wanted"],
                                "properties": {"wanted": {"type": "boolean"}}})


def asked_of(page: str) -> tuple[Any, ...]:
    """The parameters of one kind of figures: the period, and the filters that it takes."""
    return (*ASKED, *(query(name, f"Only of this one, by {'e-mail' if name == 'person' else 'its key'}")
                      for name in TAKES[page]))


@blueprint.get("/insights/response")
@access("incident.read")
@operation("How incidents were answered", responses={200: FIGURES}, parameters=asked_of("response"), description=SAME)
def response() -> Any:
    """Times to acknowledge and to resolve, by team, service and severity too."""
    chosen, by = _asked("response"), actor()
    found = queries.cells(chosen, by)
    return _figures(chosen, tables.response_document(times.response(found["teams"]), {
        f"by_{name}": some for name, (some, _) in queries.groups(found, by).items()}))


@blueprint.get("/insights/load")
@access("incident.read")
@operation("What being on call cost whom", responses={200: FIGURES}, parameters=asked_of("load"), description=SAME)
def loads() -> Any:
    """By team; people where the caller may see them."""
    chosen, by = _asked("load"), actor()
    return _figures(chosen, tables.load_document(load.load(chosen, by)))


@blueprint.get("/insights/noise")
@access("incident.read")
@operation("What pages without need", responses={200: FIGURES}, parameters=asked_of("noise"), description=SAME)
def noise() -> Any:
    """Integrations, services and keys of alerts."""
    chosen, by = _asked("noise"), actor()
    return _figures(chosen, tables.noise_document(queries.sources(chosen, by)))


@blueprint.get("/insights/delivery")
@access("incident.read")
@operation("How messages fared", responses={200: FIGURES}, parameters=asked_of("delivery"), description=SAME)
def delivery() -> Any:
    """By channel and provider."""
    chosen, by = _asked("delivery"), actor()
    return _figures(chosen, tables.delivery_document(deliveries.delivery(chosen, by)))


def _asked(page: str) -> Filters:
    """The filters of the address. Raises Invalid for those that would change nothing."""
    refuse_others(request.args, page)
    return pages.asked(request.args, actor(), page)


def _figures(chosen: Filters, found: dict[str, Any]) -> Response:
    return jsonify({"from": chosen.first.isoformat(), "to": chosen.last.isoformat(), "time_zone": chosen.zone.key,
                    "filters": chosen.chosen(), **found})


@blueprint.post("/incidents/<id>/noise")
@access("incident.act")
@operation("Mark an incident as noise", request=REASON, responses={204: None})
def mark(id: str) -> Any:
    """Nobody needed to be told of it."""
    incident = incident_for(id, actor())
    allow(actor(), "incident.act", team_id=incident.team_id)
    service.mark_noise(incident, sent(request)["reason"], by=actor())
    return Response(status=204)


@blueprint.delete("/incidents/<id>/noise")
@access("incident.act")
@operation("Take back that an incident is noise", responses={204: None})
def unmark(id: str) -> Any:
    """It was worth telling."""
    service.unmark_noise(incident_for(id, actor()), by=actor())
    return Response(status=204)


@blueprint.get("/teams/<key>/digest")
@access("incident.act")
@operation("Whether you get a team's weekly digest", responses={200: WISH})
def digest(key: str) -> dict[str, Any]:
    """By role, or as you chose."""
    return _digest(_team(key))


@blueprint.put("/teams/<key>/digest")
@access("incident.act")
@operation("Get a team's weekly digest, or not", request=WISH, responses={200: WISH})
def choose_digest(key: str) -> dict[str, Any]:
    """Of oneself; managers set it for others in `digest` of the team."""
    team = _team(key)
    digest_service.choose(team, sent(request)["wanted"], by=actor())
    return _digest(team)


def _team(key: str) -> Team:
    team = team_by_key(key)
    if team is None:
        raise NotFound
    allow(actor(), "incident.act", team_id=team.id)
    return team


def _digest(team: Team) -> dict[str, Any]:
    return {"wanted": any(one.id == actor().user_id for one in digest_service.recipients(team))}
