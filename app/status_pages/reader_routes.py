"""The page of a page's subscribers, for its managers: search, add, remove, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Response, request, url_for
from sqlalchemy import func, select

from app.core.access import access
from app.core.db import session
from app.core.errors import Invalid
from app.core.pages import go, page
from app.core.sheets import inert
from app.core.web import actor
from app.status_pages import queries, subscribing
from app.status_pages.forms import faults
from app.status_pages.models import StatusPage
from app.status_pages.subscriber_models import Subscriber

blueprint = Blueprint("status_subscribers", __name__)
SHOWN = 100


@dataclass(frozen=True)
class SubscribersPage:
    """Those who want to hear; `names` are the page's components by id."""

    status: StatusPage
    subscribers: list[Subscriber]
    counts: Mapping[str, int]
    q: str
    names: Mapping[int, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: str = ""


@blueprint.get("/status-pages/<key>/subscribers")
@access("status_page.edit")
def index(key: str) -> Response:
    """Who subscribes; addresses are for managers only."""
    return page("status_pages/subscribers.html", _shown(_managed(key)))


@blueprint.post("/status-pages/<key>/subscribers")
@access("status_page.edit")
def add(key: str) -> Response:
    """Ask addresses whether they want to hear."""
    found = _managed(key)
    typed = request.form.get("addresses", "")
    try:
        number = subscribing.add(found, typed.replace(",", " ").replace(";", " ").split(), by=actor())
    except Invalid as refusal:
        session.rollback()
        return page("status_pages/subscribers.html", _shown(found, errors=faults(refusal), typed=typed), status=422)
    return go(url_for(".index", key=key), f"{number} {'address is' if number == 1 else 'addresses are'} asked to confirm")


@blueprint.post("/status-pages/<key>/subscribers/<number>/remove")
@access("status_page.edit")
def remove(key: str, number: str) -> Response:
    """End one subscription; its address is erased."""
    subscribing.remove(subscribing.of_page(_managed(key), number), by=actor())
    return go(url_for(".index", key=key), "The subscription is ended")


@blueprint.get("/status-pages/<key>/subscribers.csv")
@access("status_page.edit")
def download(key: str) -> Response:
    """All of them as CSV."""
    found, text = _managed(key), io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["kind", "address", "state", "news", "failures", "confirmed"])
    for one in session.scalars(select(Subscriber).where(Subscriber.page_id == found.id).order_by(Subscriber.id)):
        rows.writerow([one.kind, inert(one.address), one.state, " ".join(one.kinds), one.failures, one.confirmed_at or ""])
    return Response(text.getvalue(), mimetype="text/csv", headers={
        "Content-Disposition": f"attachment; filename={found.slug}-subscribers.csv", "Cache-Control": "no-store"})


def _managed(key: str) -> StatusPage:
    return queries.page_for(key, actor(), "status_page.edit")


def _shown(found: StatusPage, *, errors: Mapping[str, str] | None = None, typed: str = "") -> SubscribersPage:
    q = request.args.get("q", "").strip()
    query = select(Subscriber).where(Subscriber.page_id == found.id).order_by(Subscriber.id.desc()).limit(SHOWN)
    if q:
        query = query.where(Subscriber.address.contains(q.lower(), autoescape=True))
    counts = {state: number for state, number in session.execute(
        select(Subscriber.state, func.count()).where(Subscriber.page_id == found.id).group_by(Subscriber.state))}
    return SubscribersPage(found, list(session.scalars(query)), counts, q, {one.id: one.name for one in found.components},
                           errors or {}, typed)
