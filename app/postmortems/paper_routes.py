"""Taking a postmortem away, and what a share link opens."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from app.core.access import access
from app.core.web import actor
from app.postmortems import exports, queries, sharing

blueprint = Blueprint("postmortem_paper", __name__)
OUTSIDE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


@blueprint.get("/postmortems/<id>/export/<any(md, json, html):paper>")
@access("postmortem.read")
def export(id: str, paper: str) -> Response:
    """As Markdown, JSON, or one HTML file that prints; `?save` offers it as a file."""
    found = queries.postmortem_for(id, actor())
    answer = _paper(exports.paper(found)) if paper == "html" else Response(
        exports.text_of(found, paper), mimetype=exports.FORMS[paper])
    if paper != "html" or "save" in request.args:
        answer.headers["Content-Disposition"] = f'attachment; filename="{exports.name_of(found, paper)}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.get("/shared/postmortems/<token>")
@access("public")
def shared(token: str) -> Response:
    """The published version, for whoever has the link."""
    answer = _paper(exports.paper(sharing.opened(token), outside=True))
    answer.headers.update(OUTSIDE)
    return answer


def _paper(what: exports.Paper) -> Response:
    answer = Response(render_template("postmortems/paper.html", **vars(what)), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = exports.policy()
    return answer
