"""Pages of the catalogue: the directory, one service, its form."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.catalog import forms, queries
from app.catalog.models import Service
from app.catalog.service import remove_service, save_service
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
    return page("catalog/service.html", queries.service_page(key, actor()))


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
    """The form of a service."""
    return page("catalog/edit.html", forms.shown(queries.service_for(key, actor(), "service.edit"), actor()))


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
    remove_service(found, by=actor(), confirmed="confirm" in request.form)
    return go(url_for("catalog.show", key=found.key), f"{found.name} is archived: nothing is routed to it any more")


def _saved(service: Service | None) -> Response:
    values = forms.read(request.form, service)
    try:
        saved = save_service(values, by=actor())
    except Invalid as error:
        form = forms.shown(service, actor(), typed=values, invalid=error)
        return page("catalog/edit.html", form, status=422)
    return go(url_for("catalog.show", key=saved.key), f"Saved {saved.name}")
