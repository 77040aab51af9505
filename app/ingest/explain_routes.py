"""The pages that explain: why an incident came here, and who would be paged."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request

from app.core.access import access, own_transaction
from app.core.errors import Invalid
from app.core.pages import page
from app.core.web import actor
from app.ingest import simulate_pages, simulation, why

blueprint = Blueprint("explaining", __name__)


@blueprint.get("/incidents/<id>/why")
@access("incident.read")
def explain(id: str) -> Response:
    """Why it came here, and why it paged whom."""
    return page("ingest/why.html", why.why_page(id, actor()))


@blueprint.get("/simulate")
@access("integration.read")
def form() -> Response:
    """The form: an incident of a service, or a payload."""
    return page("ingest/simulate.html", simulate_pages.shown(actor(), request.args))


@blueprint.post("/simulate")
@access("integration.read")
@own_transaction
def play() -> Response:
    """The answer beside the form; nothing is sent and nothing is stored."""
    by, typed = actor(), request.form.to_dict()
    before = simulate_pages.shown(by, typed)
    try:
        asked, hint = simulate_pages.asked(typed, before.zone)
        answer = simulation.simulate(simulation.supposed(asked, by=by), by=by)
    except Invalid as refusal:
        errors = {problem.field: problem.message for problem in refusal.problems}
        return page("ingest/simulate.html", replace(before, errors=errors), status=422)
    return page("ingest/simulate.html", replace(before, **simulate_pages.answered(before, typed, answer, hint)))
