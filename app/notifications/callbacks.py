"""Where vendors knock: reports on messages, and what people answered. Nothing is read before the signature is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, Response, abort, current_app, request, url_for

from app.core import clock
from app.core.access import access, own_transaction
from app.core.db import session, transaction
from app.core.errors import NotFound
from app.core.pages import go, page
from app.core.web import actor
from app.identity.models import User
from app.notifications import accounts, pages, proofs, replies, reports
from app.plugin_api import Answer, Answered, Channel, Inbound, Rejected, Reply

blueprint = Blueprint("callbacks", __name__)
log = structlog.get_logger()
PROFILE = "identity.profile"


@dataclass(frozen=True)
class Heard:
    """A request whose signature is right: what it says, and the account whose signature it was."""

    found: list[Any]
    plugin: str
    channel: Channel
    config: Mapping[str, Any]


@blueprint.route("/plugins/<slug>/callback/<purpose>", methods=["GET", "POST"])
@access("public")
@own_transaction
def callback(slug: str, purpose: str) -> Response:
    """A vendor reports, or a person answered by it."""
    channel = accounts.registry().hearing(slug, purpose)
    if channel is None:
        raise NotFound("There is no such callback")
    inbound = _inbound(purpose)
    heard = _heard(slug, channel, inbound)
    if heard is None:
        abort(int(getattr(channel, "refusal", 403)), "The signature is wrong")
    answers = []
    for one in heard.found:
        if isinstance(one, Reply):
            answers.append(replies.hear(channel.slug, one, plugin=slug, ip=request.remote_addr or ""))
        else:
            reports.take(accounts.registry().channels_of(slug), one)
    session.remove()
    return _answered(heard, inbound, answers)


@blueprint.post("/plugins/<slug>/<any(events, interactive, commands):purpose>")
@access("public")
@own_transaction
def short_callback(slug: str, purpose: str) -> Response:
    """The same at the addresses that some vendors' guides name."""
    return callback(slug, purpose)


def _inbound(purpose: str) -> Inbound:
    base = current_app.config["BASE_URL"]
    query = request.query_string.decode("ascii", "replace")
    return Inbound(request.method, {name.lower(): value for name, value in request.headers.items()},
                   request.args.to_dict(), request.get_data(cache=False), clock.now(),
                   url=f"{base}{request.path}{'?' if query else ''}{query}", purpose=purpose)


def _heard(slug: str, channel: Channel, inbound: Inbound) -> Heard | None:
    """What the request says, by the first account whose signature fits; None when none does."""
    configs = [route.config for route in accounts.all_routes(channel.slug) if route.plugin == slug]
    session.remove()
    for config in configs:
        try:
            return Heard(channel.receive(inbound, config), slug, channel, config)  # type: ignore[attr-defined]
        except Rejected as fault:
            log.info("callback.refused", plugin=slug, purpose=inbound.purpose, reason=fault.reason)
    return None


def _answered(heard: Heard, inbound: Inbound, answers: list[Answered]) -> Response:
    """The vendor's own answer, or an empty one and the sentences on their way back as messages."""
    if hasattr(heard.channel, "respond"):
        answer: Answer = heard.channel.respond(inbound, answers, heard.config)
        return Response(answer.body, answer.status, headers=dict(answer.headers))
    with transaction():
        for one in answers:
            replies.say_back(heard.channel.slug, one)
    return Response(status=204)


@blueprint.get("/me/link/<token>")
@access("own.read")
def show_link(token: str) -> Response:
    """Whose address it would become; pressing the button makes it so."""
    said = replies.linked(token)
    return page("notifications/link.html", pages.LinkPage(token, _channel_name(said["channel"]), said["name"]))


@blueprint.post("/me/link/<token>")
@access("own.edit")
def link(token: str) -> Response:
    """The address is this person's: proven, since the token was shown to nobody but who uses it."""
    said = replies.linked(token)
    user = session.get_one(User, actor().user_id)
    proofs.link(user, said["channel"], said["address"], by=actor(), name=_channel_name(said["channel"]))
    return go(url_for(PROFILE), f"{_channel_name(said['channel'])} is connected. Pages reach you by it from now on.")


def _channel_name(slug: str) -> str:
    found = accounts.registry().channels.get(slug)
    return found.name if found else slug
