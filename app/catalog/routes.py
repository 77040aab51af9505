"""Pages of the catalogue: the directory, one service, its form."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.catalog import forms, pages, queries
from app.catalog.models import Service
from app.catalog.service import answer_offer, archive_service, hand_over, remove_service, save_service
from app.core.access import access
from app.core.errors import Invalid
from app.core.pages import go, page
from app.core.web import actor

blueprint = Blueprint("catalog", __name__)


@blueprint.get("/services")
@access("team.read")
def index() -> Response:
    """All services, narrowed by what the address says."""
    return page("catalog/index.html", queries.directory(actor(), request.args))


@blueprint.get("/services/<key>")
@access("team.read")
def show(key: str) -> Response:
    """One service."""
    return page("catalog/service.html", pages.service_page(key, actor()))


@blueprint.get("/services/-/new")
@access("service.edit")
def new() -> Response:
    """The form of a new service."""
    queries.allow_somewhere(actor())
    return page("catalog/edit.html", forms.shown(None, actor(), typed=request.args))


@blueprint.post("/services/-/new")
@access("service.edit")
def create() -> Response:
    """Add a service, or show what is wrong."""
    queries.allow_somewhere(actor())
    return _saved(None)


@blueprint.get("/services/<key>/edit")
@access("service.edit")
def edit(key: str) -> Response:
    """The form of a service; the address may name settings against noise."""
    found = queries.service_for(key, actor(), "service.edit")
    return page("catalog/edit.html", forms.proposed(found, actor(), request.args))


@blueprint.post("/services/<key>/edit")
@access("service.edit")
def change(key: str) -> Response:
    """Change a service, or show what is wrong."""
    return _saved(queries.service_for(key, actor(), "service.edit"))


@blueprint.post("/services/<key>/archive")
@access("service.edit")
def archive(key: str) -> Response:
    """Take a service out of routing; `confirm` accepts that others depend on it."""
    found = queries.service_for(key, actor(), "service.edit")
    archive_service(found, by=actor(), confirmed="confirm" in request.form)
    return go(url_for("catalog.show", key=found.key), f"{found.name} is archived: nothing is routed to it any more")


@blueprint.post("/services/<key>/delete")
@access("service.edit")
def delete(key: str) -> Response:
    """Delete a service that was never used; one with a history is archived and stays."""
    found = queries.service_for(key, actor(), "service.edit")
    name = found.name
    remove_service(found, by=actor())
    if queries.service_by_key(key) is not None:
        return go(url_for("catalog.show", key=key), f"{name} has a history, so it stays in the archive", tone="caution")
    return go(url_for("catalog.index"), f"{name} is deleted")


@blueprint.post("/services/<key>/hand-over")
@access("service.edit")
def offer(key: str) -> Response:
    """Give it to another team, or ask its managers."""
    found = queries.service_for(key, actor(), "service.edit")
    team = queries.team_for(request.form.get("team", ""), actor())
    done = hand_over(found, team, by=actor())
    return go(url_for("catalog.show", key=found.key),
              f"{found.name} belongs to {team.name}" if done else f"{team.name} is asked to take {found.name} over")


@blueprint.post("/services/<key>/offer/<answer>")
@access("team.read")
def answer(key: str, answer: str) -> Response:
    """Accept the offer, or end it."""
    found = queries.service_for(key, actor())
    answer_offer(found, accepted=answer == "accept", by=actor())
    return go(url_for("catalog.show", key=found.key),
              f"{found.name} belongs to {found.team.name}" if answer == "accept" else "The offer is ended")


@blueprint.get("/services/-/graph")
@access("team.read")
def whole_graph() -> Response:
    """What depends on what, of all services or a team's."""
    return page("catalog/graph.html", pages.graph_page(actor(), request.args))


@blueprint.get("/services/<key>/graph")
@access("team.read")
def graph(key: str) -> Response:
    """What lies around one service."""
    return page("catalog/graph.html", pages.graph_page(actor(), request.args, key))


def _saved(service: Service | None) -> Response:
    values = forms.read(request.form, service)
    try:
        saved = save_service(values, by=actor())
    except Invalid as error:
        form = forms.shown(service, actor(), typed=values, invalid=error)
        return page("catalog/edit.html", form, status=422)
    return go(url_for("catalog.show", key=saved.key), f"Saved {saved.name}")
