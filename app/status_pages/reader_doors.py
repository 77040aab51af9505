"""The addresses at which outsiders subscribe, confirm, choose and end; no cookie, no login."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, current_app, request

from app.core import http
from app.core.access import access, own_transaction
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.status_pages import queries, rendering, shelf, subscribing
from app.status_pages.doors import HIDDEN, nothing
from app.status_pages.forms import faults
from app.status_pages.models import StatusPage
from app.status_pages.reader_sending import CALL_SECONDS
from app.status_pages.reader_words import READERS
from app.status_pages.subscriber_models import Subscriber
from app.status_pages.subscribing import NEWS, Wish
from app.status_pages.words import Words

blueprint = Blueprint("status_readers", __name__)


@dataclass(frozen=True)
class Shown:
    """What the pages of a subscription show; `message` is a key of the words."""

    status: StatusPage
    subscriber: Subscriber | None = None
    message: str = ""
    secret: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@blueprint.get("/status/<slug>/subscribe")
@access("public")
def form(slug: str) -> Response:
    """The form."""
    page = _open(slug)
    return nothing() if page is None else _page("subscribe", Shown(page, values={"news": list(NEWS)}))


@blueprint.post("/status/<slug>/subscribe")
@access("token")
@own_transaction
def subscribe(slug: str) -> Response:
    """Ask for a subscription. The answer is the same whether the address is new, waiting or subscribed."""
    page = _open(slug)
    if page is None:
        return nothing()
    wish = Wish(request.form.get("kind", "email"), request.form.get("address", ""), request.form.getlist("components"),
                request.form.getlist("news"))
    told = subscribing.note_attempt(page, wish, request.remote_addr or "")
    try:
        return _asked(page.id, wish, told)
    except Invalid as refusal:
        typed = {"kind": wish.kind, "address": wish.address, "components": list(wish.components), "news": list(wish.news)}
        return _page("subscribe", Shown(_again(page.id), values=typed, errors=faults(refusal)), status=422)


def _asked(page_id: int, wish: Wish, told: bool) -> Response:
    with transaction():
        subscriber = subscribing.ask(_again(page_id), wish, told=told and wish.kind != "webhook")
        key, active = subscriber.id, subscriber.state == "active"
    if wish.kind != "webhook":
        return _page("subscribed", Shown(_again(page_id), message="sent_email" if wish.kind == "email" else "sent_room"))
    return _challenged(page_id, key, wish, active)


def _challenged(page_id: int, key: int, wish: Wish, active: bool) -> Response:
    """A webhook has to give a challenge back within 5 s."""
    session.remove()
    fault = "" if active else _not_given_back(wish.address.strip(), subscribing.secrets.new_token())
    if fault:
        return _page("subscribe", Shown(_again(page_id), errors={"address": fault}, values={
            "kind": "webhook", "address": wish.address, "news": list(wish.news), "components": list(wish.components)}),
                     status=422)
    secret = ""
    with transaction():
        found = session.get(Subscriber, key)
        if found is not None and not active:
            subscribing.confirm(found)
            secret = subscribing.token_of(found)
    return _page("subscribed", Shown(_again(page_id), secret=secret, message="webhook_on"))


def _not_given_back(address: str, challenge: str) -> str:
    """Ask a webhook to give the challenge back within 5 seconds; why it did not, or "". Nothing may be open meanwhile."""
    body = json.dumps({"type": "challenge", "challenge": challenge}).encode()
    try:
        answer = http.request("POST", address, data=body, timeout=CALL_SECONDS, headers={"Content-Type": "application/json"})
    except http.Unreachable as fault:
        return fault.reason
    if 200 <= answer.status < 300 and challenge in answer.text:
        return ""
    return "It did not give the challenge back"


@blueprint.get("/status/subscription/<token>")
@access("public")
def manage(token: str) -> Response:
    """What is chosen, with buttons. Nothing changes by looking."""
    waiting, found = subscribing.by_confirmation(token), subscribing.by_token(token)
    if found is not None:
        return _page("subscription", Shown(found.page, found))
    if waiting is None:
        return _explained()
    if waiting.state == "active":
        return _page("subscribed", Shown(waiting.page, message="confirmed"))
    if not subscribing.confirmable(waiting):
        return _page("subscribed", Shown(waiting.page, message="too_old"), status=410)
    return _page("confirm", Shown(waiting.page, waiting))


@blueprint.post("/status/subscription/<token>")
@access("token")
def act(token: str) -> Response:
    """Confirm, change, or, as RFC 8058 has it, end: also by a bare POST, and also the second time."""
    waiting, found = subscribing.by_confirmation(token), subscribing.by_token(token)
    if found is not None:
        return _changed(found) if request.form.get("action") == "change" else _ended(found)
    if waiting is None:
        return _explained()
    if waiting.state == "active":
        return _page("subscribed", Shown(waiting.page, message="confirmed"))
    if not subscribing.confirmable(waiting):
        return _page("subscribed", Shown(waiting.page, message="too_old"), status=410)
    subscribing.confirm(waiting)
    return _page("subscribed", Shown(waiting.page, message="you_are_in"))


def _ended(found: Subscriber) -> Response:
    subscribing.end(found)
    return _page("subscribed", Shown(found.page, message="you_are_out"))


def _changed(found: Subscriber) -> Response:
    try:
        subscribing.choose(found, request.form.getlist("components"), request.form.getlist("news"))
    except Invalid as refusal:
        return _page("subscription", Shown(found.page, found, errors=faults(refusal)), status=422)
    return _page("subscription", Shown(found.page, found, message="saved"))


def _open(slug: str) -> StatusPage | None:
    known = shelf.known(slug)
    return session.get(StatusPage, known.id) if known is not None and known.open else None


def _again(page_id: int) -> StatusPage:
    return session.get_one(StatusPage, page_id)


def _explained() -> Response:
    return Response(b"This link is not known any more. Subscribe again on the status page.\n", 404, mimetype="text/plain",
                    headers=HIDDEN)


def _ways(words: Words) -> list[tuple[str, str]]:
    """How one can hear: kind and label."""
    return [("email", words("by_email")), ("webhook", words("by_webhook")), ("chat", words("by_room")),
            *((kind, f"{channel.name}: {words('by_room')}") for kind, channel in subscribing.rooms().items())]


def _page(name: str, shown: Shown, *, status: int = 200) -> Response:
    sheet, policy = rendering.style(shown.status.accent)
    words = Words(shown.status.language, READERS)
    text = current_app.jinja_env.get_template(f"status_pages/{name}.html").render(
        shown=shown, w=words, ways=_ways(words), style=sheet, home=f"/status/{shown.status.slug}",
        components=queries.groups(shown.status.components), token=request.view_args.get("token", "")
        if request.view_args else "")
    return Response(text, status, mimetype="text/html", headers={**HIDDEN, "Content-Security-Policy": policy})
