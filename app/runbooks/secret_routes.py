"""Pages of secrets: list, form, one secret."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Forbidden, Invalid
from app.core.forms import refuse
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import may, may_anywhere
from app.runbooks import secret_pages, vault

blueprint = Blueprint("secrets", __name__)


@blueprint.get("/secrets")
@access("secret.edit")
def index() -> Response:
    """All secrets, by name."""
    return page("secrets/index.html", secret_pages.index_page(actor()))


@blueprint.get("/secrets/-/new")
@access("secret.edit")
def new() -> Response:
    """The form of a new secret."""
    return page("secrets/form.html", secret_pages.form(actor(), request.args))


@blueprint.post("/secrets/-/new")
@access("secret.edit")
def create() -> Response:
    """Keep a secret, or show what is wrong."""
    by = actor()
    if not may_anywhere(by, "secret.edit"):
        raise Forbidden("Your role does not include this.")
    team = request.form.get("team") or None
    try:
        if team is None and not may(by, "secret.edit"):
            refuse("team", "Choose the team whose secret it is")
        secret = vault.add(request.form.get("name", "").strip(), request.form.get("value", ""), team=team, by=by)
    except Invalid as refusal:
        return page("secrets/form.html", secret_pages.form(by, request.form, invalid=refusal), status=422)
    return go(url_for(".index"), f"{secret.name} is stored. Requests name it {{{{ secret.{secret.name} }}}}")


@blueprint.get("/secrets/<int:secret_id>")
@access("secret.edit")
def show(secret_id: int) -> Response:
    """One secret: where it is used, and what can be done with it."""
    return page("secrets/secret.html", secret_pages.secret_page(secret_id, actor()))


@blueprint.post("/secrets/<int:secret_id>/replace")
@access("secret.edit")
def replace(secret_id: int) -> Response:
    """Another value."""
    by = actor()
    secret = vault.secret_for(secret_id, by)
    try:
        vault.replace(secret, request.form.get("value", ""), by=by)
    except Invalid as refusal:
        return page("secrets/secret.html", secret_pages.secret_page(secret_id, by, invalid=refusal), status=422)
    return go(url_for(".show", secret_id=secret_id), f"{secret.name} has another value from the next request on")


@blueprint.post("/secrets/<int:secret_id>/delete")
@access("secret.edit")
def delete(secret_id: int) -> Response:
    """Forget it, unless something uses it."""
    secret = vault.secret_for(secret_id, actor())
    vault.delete(secret, by=actor())
    return go(url_for(".index"), f"{secret.name} is deleted")
