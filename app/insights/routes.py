"""Pages of figures, the rows behind them, tables to download, and marks."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Invalid
from app.core.pages import go, page
from app.core.patience import limit
from app.core.web import actor
from app.incidents.queries import incident_for
from app.insights import deliveries, pages, queries, service, tables, times
from app.insights import load as loads
from app.insights.filters import ADVICE

blueprint = Blueprint("insights", __name__)
limit(blueprint, ADVICE)


@blueprint.get("/insights")
@access("incident.read")
def index() -> Response:
    """How it went, beside the period before."""
    return page("insights/overview.html", pages.overview(request.args, actor()))


@blueprint.get("/insights/response")
@access("incident.read")
def response() -> Response:
    """Who waited how long."""
    return page("insights/response.html", pages.response_page(request.args, actor()))


@blueprint.get("/insights/load")
@access("incident.read")
def load() -> Response:
    """What being on call cost whom."""
    return page("insights/load.html", pages.load_page(request.args, actor()))


@blueprint.get("/insights/noise")
@access("incident.read")
def noise() -> Response:
    """What pages without need."""
    return page("insights/noise.html", pages.noise_page(request.args, actor()))


@blueprint.get("/insights/delivery")
@access("incident.read")
def delivery() -> Response:
    """How messages fared."""
    return page("insights/delivery.html", pages.delivery_page(request.args, actor()))


@blueprint.get("/insights/delivery/late")
@access("incident.read")
def late() -> Response:
    """The messages behind an hour over target."""
    return page("insights/late.html", pages.late_page(request.args, actor()))


@blueprint.get("/insights/incidents")
@access("incident.read")
def incidents() -> Response:
    """The incidents that a figure counts."""
    return page("insights/list.html", pages.list_page(request.args, actor()))


@blueprint.get("/insights/incidents.csv")
@access("incident.read")
def incidents_csv() -> Response:
    """The same as a table, streamed."""
    chosen, by = pages.asked(request.args, actor(), "overview"), actor()
    query = queries.listed(chosen, by, request.args.get("figure", "all"))
    names = {kind: {key: name for key, (_, name) in queries.names(kind, by).items()} for kind in ("team", "service")}
    return _table(tables.incident_rows(queries.streamed(query), names), chosen.file_name("incidents"))


@blueprint.get("/insights/response.csv")
@access("incident.read")
def response_csv() -> Response:
    """Times by team, service and severity, all of them."""
    chosen, by = pages.asked(request.args, actor(), "response"), actor()
    found = queries.cells(chosen, by)
    return _table(tables.response_rows(times.response(found["teams"]), {
        name: some for name, (some, _) in queries.groups(found, by).items()}), chosen.file_name("response"))


@blueprint.get("/insights/load.csv")
@access("incident.read")
def load_csv() -> Response:
    """Hours and interruptions of the people that the reader may see."""
    chosen = pages.asked(request.args, actor(), "load")
    return _table(tables.load_rows(loads.load(chosen, actor())), chosen.file_name("load"))


@blueprint.get("/insights/noise.csv")
@access("incident.read")
def noise_csv() -> Response:
    """What pages without need."""
    chosen = pages.asked(request.args, actor(), "noise")
    return _table(tables.noise_rows(queries.sources(chosen, actor())), chosen.file_name("noise"))


@blueprint.get("/insights/delivery.csv")
@access("incident.read")
def delivery_csv() -> Response:
    """How messages fared."""
    chosen = pages.asked(request.args, actor(), "delivery")
    return _table(tables.delivery_rows(deliveries.delivery(chosen, actor())), chosen.file_name("delivery"))


def _table(rows: Iterable[list[object]], name: str) -> Response:
    answer = Response(tables.written(rows), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@blueprint.post("/incidents/<id>/noise")
@access("incident.act")
def mark(id: str) -> Response:
    """This incident is noise."""
    incident, back = incident_for(id, actor()), url_for("incidents.show", id=id)
    try:
        service.mark_noise(incident, request.form.get("reason", ""), by=actor())
    except Invalid as refusal:
        return go(back, refusal.problems[0].message, tone="danger")
    return go(back, "It counts as noise")


@blueprint.post("/incidents/<id>/noise/remove")
@access("incident.act")
def unmark(id: str) -> Response:
    """It is none after all."""
    service.unmark_noise(incident_for(id, actor()), by=actor())
    return go(url_for("incidents.show", id=id), "It no longer counts as noise")
