"""Which blocks of the integration pages refresh on which facts."""

from __future__ import annotations

from flask import request

from app.core.feed import Feed
from app.core.web import actor
from app.ingest import inspection, pages, route_pages, why


def _index() -> pages.IndexPage:
    return pages.index_page(actor(), request.args)


def _integration(key: str) -> pages.IntegrationPage:
    return pages.integration_page(key, actor(), request.args)


def _delivery(key: str, number: int) -> inspection.DeliveryPage:
    return inspection.delivery_page(key, number, actor())


def _routes() -> route_pages.RoutesPage:
    return route_pages.routes_page(actor())


def _why(id: str) -> why.WhyPage:
    return why.why_page(id, actor())


FEEDS = (
    Feed("/incidents/<id>/why", "ingest/why.html", _why, topics=("incident:{id}",), personal=True,
         regions={"lines": "escalation.* message.* incident.*", "policies": "escalation.*"}),
    Feed("/routes", "ingest/routes.html", _routes, topics=("routes",), regions={"rows": "route.*"}),
    Feed("/integrations", "ingest/index.html", _index, topics=("integrations",), regions={"rows": "integration.*"}),
    Feed("/integrations/<key>", "ingest/integration.html", _integration, topics=("integration/{key}",),
         regions={"status": "integration.* delivery.*", "deliveries": "integration.* delivery.*",
                  "refused": "delivery.refused integration.*"}),
    Feed("/integrations/<key>/deliveries/<int:number>", "ingest/delivery.html", _delivery,
         topics=("integration/{key}",), regions={"outcome": "delivery.*", "road": "delivery.*"}),
)
