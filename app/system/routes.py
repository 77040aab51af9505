"""The pages of the system."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request, url_for

from app.core.access import access, own_transaction
from app.core.errors import NotFound
from app.core.failed import Failed
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import allow
from app.system import jobs, pages

blueprint = Blueprint("system", __name__, url_prefix="/system")


@blueprint.get("")
@access("admin")
def index() -> Response:
    """How every part is."""
    allow(actor(), "admin")
    return page("system/index.html", pages.system_page())


@blueprint.post("/jobs/<job_id>/run-again")
@access("admin")
@own_transaction
def run_again(job_id: str) -> Response:
    """A job that failed is tried anew."""
    return _done(jobs.run_again, job_id, "runs again")


@blueprint.post("/jobs/<job_id>/drop")
@access("admin")
@own_transaction
def drop(job_id: str) -> Response:
    """A job that failed is forgotten."""
    return _done(jobs.drop, job_id, "is dropped")


def _done(act: Callable[..., Failed], job_id: str, said: str) -> Response:
    try:
        return go(url_for(".index"), f"{act(job_id, by=actor()).what} {said}")
    except NotFound as refusal:
        return go(url_for(".index"), refusal.detail, tone="danger")


@blueprint.get("/settings")
@access("admin")
def settings() -> Response:
    """Every setting with value, origin and help."""
    allow(actor(), "admin")
    return page("system/settings.html", pages.settings_page(request.args))


@blueprint.get("/retention")
@access("admin")
def retention() -> Response:
    """What goes after a time."""
    allow(actor(), "admin")
    return page("system/retention.html", pages.retention_page())
