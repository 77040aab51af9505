"""What stands beside documents, for machines: comments, share links, templates, habits, figures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.core import clock
from app.core.access import access
from app.core.errors import Forbidden
from app.core.openapi import PROBLEM, operation, query, sent
from app.core.web import actor
from app.identity.queries import may_anywhere
from app.postmortems import documents, editing, pattern_pages, patterns, queries, schemas, sharing
from app.postmortems.metrics import metrics as figures

blueprint = Blueprint("postmortem_patterns_api", __name__)
SPAN = (query("team", "A team's key"), query("from", "First day", form="date"), query("to", "Last day", form="date"))


@blueprint.get("/postmortem-metrics")
@access("postmortem.read")
@operation("How soon postmortems are published, and whether what follows gets done", responses={200: schemas.METRICS},
           parameters=SPAN)
def metrics() -> dict[str, Any]:
    """The figures of a period."""
    return figures(actor(), request.args).document()


@blueprint.get("/postmortems/<id>/comments")
@access("postmortem.read")
@operation("What was said beside the text", responses={200: {"type": "array", "items": schemas.COMMENT}})
def comments(id: str) -> Response:
    """Oldest first."""
    return jsonify([documents.comment_document(one) for one in editing.comments_of(queries.postmortem_for(id, actor()))])


@blueprint.post("/postmortems/<id>/comments")
@access("postmortem.review")
@operation("Say something beside the text", request=schemas.NOTE, responses={201: schemas.COMMENT})
def comment(id: str) -> tuple[dict[str, Any], int]:
    """Markdown."""
    by = actor()
    found = queries.postmortem_for(id, by, "postmortem.review")
    return documents.comment_document(editing.add_comment(found, sent(request)["body"], by=by)), 201


@blueprint.post("/postmortems/<id>/links")
@access("postmortem.write")
@operation("A share link to the published version", request=schemas.SHARE, responses={201: schemas.SHARED, 409: PROBLEM},
           body_needed=False)
def share(id: str) -> tuple[dict[str, Any], int]:
    """Its address is told only now."""
    by = actor()
    found = queries.postmortem_for(id, by, "postmortem.write")
    made, token = sharing.make_link(found, sent(request).get("days", 14), by=by)
    return {"id": str(made.id), "url": sharing.address(token), "last4": made.last4, "made_by": made.made_by,
            "expires_at": clock.rfc3339(made.expires_at)}, 201


@blueprint.delete("/postmortems/<id>/links/<link>")
@access("postmortem.write")
@operation("Revoke a share link", responses={204: None})
def revoke(id: str, link: str) -> Response:
    """It opens nothing any more."""
    by = actor()
    sharing.revoke_link(queries.postmortem_for(id, by, "postmortem.write"), queries.number_of(link), by=by)
    return Response(status=204)


@blueprint.get("/postmortem-templates")
@access("postmortem.read")
@operation("Templates", responses={200: {"type": "array", "items": schemas.TEMPLATE}})
def templates() -> Response:
    """Everybody's and those of teams."""
    return jsonify([patterns.template_document(one) for one in patterns.templates(actor())])


@blueprint.post("/postmortem-templates")
@access("postmortem.manage")
@operation("Add a template: a team's, or everybody's without one", request=schemas.NEW_TEMPLATE,
           responses={201: schemas.TEMPLATE})
def add_template() -> tuple[dict[str, Any], int]:
    """What new postmortems begin with."""
    by = actor()
    if not may_anywhere(by, "postmortem.manage"):
        raise Forbidden("Your role does not include this.")
    values = sent(request)
    team = pattern_pages.team_for(values["team"], by, "postmortem.manage") if values.get("team") else None
    return patterns.template_document(patterns.save_template(None, values, team, by=by)), 201


@blueprint.put("/postmortem-templates/<template>")
@access("postmortem.manage")
@operation("Change a template", request=schemas.NEW_TEMPLATE, responses={200: schemas.TEMPLATE})
def change_template(template: str) -> dict[str, Any]:
    """What was begun with it stays; it stays whose it is."""
    by = actor()
    found = patterns.template_for(template, by, "postmortem.manage")
    return patterns.template_document(patterns.save_template(found, sent(request), None, by=by))


@blueprint.delete("/postmortem-templates/<template>")
@access("postmortem.manage")
@operation("Delete a template", responses={204: None})
def remove_template(template: str) -> Response:
    """Teams that used it begin with the built-in sections again."""
    by = actor()
    patterns.remove_template(patterns.template_for(template, by, "postmortem.manage"), by=by)
    return Response(status=204)


@blueprint.get("/teams/<key>/postmortem-settings")
@access("postmortem.read")
@operation("How a team writes postmortems", responses={200: schemas.HABITS})
def habits(key: str) -> dict[str, Any]:
    """Which incidents get a draft by themselves, whether a review is needed, with which template."""
    team = pattern_pages.team_for(key, actor(), "postmortem.read")
    return patterns.habits_document(queries.habits_of(team.id))


@blueprint.patch("/teams/<key>/postmortem-settings")
@access("postmortem.manage")
@operation("Set how a team writes postmortems", request=schemas.HABITS, responses={200: schemas.HABITS})
def set_habits(key: str) -> dict[str, Any]:
    """What is left out stays."""
    by = actor()
    team = pattern_pages.team_for(key, by, "postmortem.manage")
    return patterns.habits_document(patterns.save_habits(team, sent(request), by=by))
