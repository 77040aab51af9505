"""Pages of the components of a status page: form, order, override, and their corrected past."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.status_pages import forms, pages, queries, service
from app.status_pages.models import Component, StatusPage

blueprint = Blueprint("status_components", __name__)


@blueprint.get("/status-pages/<key>/components")
@access("status_page.edit")
def index(key: str) -> Response:
    """The components in their order."""
    queries.page_for(key, actor(), "status_page.edit")
    return page("status_pages/components.html", pages.now_page(key, actor()))


@blueprint.get("/status-pages/<key>/components/-/new")
@access("status_page.edit")
def new(key: str) -> Response:
    """The form of a new component."""
    return page("status_pages/component.html", forms.shown_component(_editable(key), None, actor()))


@blueprint.post("/status-pages/<key>/components/-/new")
@access("status_page.edit")
def create(key: str) -> Response:
    """Add a component."""
    return _saved(_editable(key), None)


@blueprint.get("/status-pages/<key>/components/<part>")
@access("status_page.edit")
def edit(key: str, part: str) -> Response:
    """The form of a component."""
    found = _editable(key)
    return page("status_pages/component.html", forms.shown_component(found, queries.component_of(found, part), actor()))


@blueprint.post("/status-pages/<key>/components/<part>")
@access("status_page.edit")
def change(key: str, part: str) -> Response:
    """Change a component."""
    found = _editable(key)
    return _saved(found, queries.component_of(found, part))


@blueprint.post("/status-pages/<key>/components/<part>/move")
@access("status_page.edit")
def move(key: str, part: str) -> Response:
    """One place up or down."""
    found = _editable(key)
    order = forms.moved(found, queries.component_of(found, part), request.form.get("way", "down"))
    service.save_page({"slug": found.slug, "components": order}, by=actor())
    return go(url_for(".index", key=key))


@blueprint.post("/status-pages/<key>/components/<part>/remove")
@access("status_page.edit")
def remove(key: str, part: str) -> Response:
    """Take it off the page, with its history."""
    found = _editable(key)
    gone = queries.component_of(found, part)
    service.save_page({"slug": found.slug, "components": forms.with_component(found, gone, None)}, by=actor())
    return go(url_for(".index", key=key), f"{gone.name} is off the page")


@blueprint.post("/status-pages/<key>/components/<part>/override")
@access("status_page.write")
def override(key: str, part: str) -> Response:
    """Show a state whatever the incidents say."""
    found = queries.page_for(key, actor(), "status_page.write")
    component = queries.component_of(found, part)
    try:
        service.override(component, request.form.get("state", ""), until=forms.override_end(request.form),
                         reason=request.form.get("reason", ""), by=actor())
    except Invalid as refusal:
        shown = pages.now_page(key, actor(), errors=forms.faults(refusal), typed=request.form, at_component=part)
        return page("status_pages/now.html", shown, status=422)
    return go(url_for("status_pages.show", key=key), f"{component.name} is overruled")


@blueprint.post("/status-pages/<key>/components/<part>/override/end")
@access("status_page.write")
def end_override(key: str, part: str) -> Response:
    """Back to what the incidents say."""
    found = queries.page_for(key, actor(), "status_page.write")
    component = queries.component_of(found, part)
    service.end_override(component, by=actor())
    return go(url_for("status_pages.show", key=key), f"{component.name} follows its incidents again")


@blueprint.get("/status-pages/<key>/components/<part>/history")
@access("status_page.edit")
def history(key: str, part: str) -> Response:
    """What it was, and the form that corrects it."""
    return page("status_pages/spans.html", pages.history_page(key, part, actor()))


@blueprint.post("/status-pages/<key>/components/<part>/history")
@access("status_page.edit")
def correct(key: str, part: str) -> Response:
    """Correct a past span, with a reason."""
    found, form = _editable(key), request.form
    component = queries.component_of(found, part)
    try:
        span = tuple(forms.moment(form.get(name, ""), found.time_zone, name) for name in ("starts", "ends"))
        service.correct(component, (span[0], span[1]), form.get("state", ""), reason=form.get("reason", ""), by=actor())
    except Invalid as refusal:
        return page("status_pages/spans.html", pages.history_page(
            key, part, actor(), errors=forms.faults(refusal), typed=form), status=422)
    return go(url_for(".history", key=key, part=part), "The history is corrected")


def _editable(key: str) -> StatusPage:
    return queries.page_for(key, actor(), "status_page.edit")


def _saved(found: StatusPage, component: Component | None) -> Response:
    values = forms.read_component(request.form, request.form.getlist("services"))
    try:
        service.save_page({"slug": found.slug, "components": forms.with_component(found, component, values)}, by=actor())
    except Invalid as refusal:
        shown = forms.shown_component(found, component, actor(), typed=values, invalid=refusal)
        return page("status_pages/component.html", shown, status=422)
    return go(url_for(".index", key=found.slug), f"Saved {values['name']}")
