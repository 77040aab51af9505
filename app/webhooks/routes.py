"""Pages of webhooks: list, form, one webhook with its deliveries."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import may_anywhere
from app.webhooks import forms, pages, queries, service
from app.webhooks.models import Webhook

blueprint = Blueprint("webhooks", __name__)


@blueprint.get("/webhooks")
@access("webhook.read")
def index() -> Response:
    """All webhooks."""
    return page("webhooks/index.html", pages.index_page(actor()))


@blueprint.get("/webhooks/-/new")
@access("webhook.edit")
def new() -> Response:
    """The form of a new webhook."""
    return page("webhooks/form.html", forms.shown(None, actor()))


@blueprint.post("/webhooks/-/new")
@access("webhook.edit")
def create() -> Response:
    """Add a webhook, or show what is wrong."""
    if not may_anywhere(actor(), "webhook.edit"):
        raise Forbidden("Your role does not include this.")
    return _saved(None)


@blueprint.get("/webhooks/<key>")
@access("webhook.read")
def show(key: str) -> Response:
    """One webhook."""
    return page("webhooks/webhook.html", pages.webhook_page(key, actor()))


@blueprint.get("/webhooks/<key>/edit")
@access("webhook.edit")
def edit(key: str) -> Response:
    """The form of a webhook."""
    return page("webhooks/form.html", forms.shown(_editable(key), actor()))


@blueprint.post("/webhooks/<key>/edit")
@access("webhook.edit")
def change(key: str) -> Response:
    """Change a webhook, or show what is wrong."""
    return _saved(_editable(key))


@blueprint.post("/webhooks/<key>/secret")
@access("webhook.edit")
def renew_secret(key: str) -> Response:
    """A new secret signs from now on."""
    found = _editable(key)
    service.renew_secret(found, by=actor())
    return go(url_for(".show", key=key), f"{found.name} signs with a new secret from now on")


@blueprint.post("/webhooks/<key>/test")
@access("webhook.edit")
def test(key: str) -> Response:
    """Send a test."""
    found = _editable(key)
    service.send_test(found, by=actor())
    return go(url_for(".show", key=key), "The test is on its way")


@blueprint.post("/webhooks/<key>/on")
@access("webhook.edit")
def switch_on(key: str) -> Response:
    """It hears again."""
    found = _editable(key)
    service.switch_on(found, by=actor())
    return go(url_for(".show", key=key), f"{found.name} hears again")


@blueprint.post("/webhooks/<key>/deliveries/<int:delivery_id>/again")
@access("webhook.edit")
def send_again(key: str, delivery_id: int) -> Response:
    """The same delivery once more."""
    service.send_again(queries.delivery_of(_editable(key), delivery_id), by=actor())
    return go(url_for(".show", key=key), "The delivery is sent again")


@blueprint.post("/webhooks/<key>/delete")
@access("webhook.edit")
def delete(key: str) -> Response:
    """Delete it."""
    found = _editable(key)
    service.remove_webhook(found, by=actor())
    return go(url_for(".index"), f"{found.name} is deleted")


def _editable(key: str) -> Webhook:
    return queries.webhook_for(key, actor(), "webhook.edit")


def _saved(webhook: Webhook | None) -> Response:
    values, by = forms.read(request.form, webhook), actor()
    try:
        saved = (service.save_webhook if webhook else service.add_webhook)(values, by=by)
    except Invalid as refusal:
        shown = forms.shown(webhook, by, typed=request.form, invalid=refusal)
        return page("webhooks/form.html", shown, status=422)
    return go(url_for(".show", key=saved.key), f"Saved {saved.name}")
