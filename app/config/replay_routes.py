"""The pages of replay: a period played again through another document."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.config import errands, replay_pages, replays
from app.core.access import access, own_transaction
from app.core.errors import Invalid
from app.core.pages import go, page
from app.core.web import actor, takes
from app.identity.queries import allow

blueprint = Blueprint("replay", __name__)


@blueprint.get("/configuration/replay")
@access("admin")
def index() -> Response:
    """What to play again."""
    allow(actor(), "admin")
    return page("config/replays.html", replay_pages.replays_page(actor()))


@blueprint.post("/configuration/replay")
@access("admin")
@own_transaction
@takes(12 * 1024 * 1024)
def begin() -> Response:
    """Begin to play."""
    by, form = actor(), request.form
    allow(by, "admin")
    files = [(one.filename or "document.yaml", one.stream.read()) for one in request.files.getlist("files") if one.filename]
    text = form.get("text", "").strip()
    try:
        sources = files + ([("pasted.yaml", text.encode())] if text else [])
        errand = replays.begun(*errands.period(form), sources, answers=form.get("answers", "recorded"), by=by)
    except Invalid as refusal:
        return page("config/replays.html", replay_pages.replays_page(by, typed=form, invalid=refusal), status=422)
    return go(url_for(".show", key=errand.key))


@blueprint.get("/configuration/replay/<key>")
@access("admin")
def show(key: str) -> Response:
    """How far it is, or who would be paged otherwise."""
    return page("config/replay.html", replay_pages.replay_page(errands.errand_for(key, "replay", actor())))
