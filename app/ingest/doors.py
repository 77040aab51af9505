"""The addresses at which senders knock: `/in/<token>`, and those that vendors' own senders know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.core import clock
from app.core.access import access, own_transaction
from app.core.db import session
from app.core.errors import NotFound
from app.core.mail_sources import MailSource
from app.core.metrics import DELIVERIES
from app.core.web import problem
from app.ingest import credentials, door, looking
from app.ingest.models import BUSY_AT, Integration
from app.ingest.refusals import count_wrong
from app.notifications import mail_replies
from app.plugin_api import Door, Inbound, Rejected, Retry

blueprint = Blueprint("doors", __name__)
AGAIN = 20


@blueprint.route("/in/<token>", methods=["POST", "PUT"], provide_automatic_options=False)
@access("public")
@own_transaction
def accept(token: str) -> Response:
    """Any configured integration."""
    integration = door.find(token)
    plugin = current_app.extensions["plugins"].integrations.get(integration.plugin) if integration else None
    return _let_in(lambda _inbound: integration, most=getattr(plugin, "most", door.LIMIT))


@blueprint.route("/in/<token>", methods=["OPTIONS"], provide_automatic_options=False)
@access("public")
@own_transaction
def greet(token: str) -> Response:
    """A sender that asks whether it may send; only those are answered whose plugin knows the question."""
    integration = door.find(token)
    if integration is None:
        count_wrong(request.remote_addr or "")
        raise NotFound("There is no integration with this token")
    plugin = current_app.extensions["plugins"].integrations.get(integration.plugin)
    known = hasattr(plugin, "greet")
    return _theirs(plugin.greet(_raw(b""))) if known else Response(status=204, headers={"Allow": "POST, PUT, OPTIONS"})


@blueprint.route("/in", methods=["POST", "PUT"])
@access("public")
@own_transaction
def accept_by_header() -> Response:
    """The same, with the token in a header or the query."""
    return _let_in(lambda _inbound: door.find(_token()))


def _token() -> str:
    """The token where senders put it: Bearer, GenieKey, Basic, X-API-Key, `?token=`."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "geniekey"):
        return rest.strip()
    if request.authorization is not None and scheme.lower() == "basic":
        return request.authorization.password or request.authorization.username or ""
    return request.headers.get("X-API-Key") or request.args.get("token", "")


def vendor_door(plugin: Any, place: Door) -> Callable[..., Response]:
    """The view of a vendor's address: the credential is where that vendor puts it, the answer as that vendor's."""
    @access("public")
    @own_transaction
    def knock(**parts: str) -> Response:
        token = parts.pop("token", "")

        def find(inbound: Inbound) -> Integration | None:
            credential = token or plugin.credential(inbound) or _token()
            return door.find(credential) or credentials.by_service_key(credential, plugin.slug)
        named = {"door": place.path, **{name: value[:512] for name, value in parts.items()}}
        if place.does == "ping":
            return _ping(find, plugin, named)
        return _look(find, plugin, named) if place.does == "look" else _let_in(find, plugin, named)
    return knock


def vendor_blueprint(registry: Any) -> Blueprint:
    """The addresses that the installed plugins name; a slash at the end of one may be left out."""
    found = Blueprint("vendor_doors", __name__)
    for plugin in registry.integrations.values():
        for number, place in enumerate(getattr(plugin, "doors", ())):
            for path in {place.path, place.path.rstrip("/")}:
                found.add_url_rule(path, f"{plugin.slug}_{number}{'_' if path.endswith('/') else ''}",
                                   vendor_door(plugin, place), methods=list(place.methods))
    return found


def _look(find: Callable[[Inbound], Integration | None], plugin: Any, parts: Mapping[str, str]) -> Response:
    """The sender asks what became of something; nothing is stored."""
    inbound = replace(_raw(b""), parts=parts)
    integration = find(inbound)
    if integration is None:
        count_wrong(request.remote_addr or "")
        return _unknown(plugin, inbound)
    return _theirs(plugin.told(inbound, looking.told(plugin.wanted(inbound), integration)))


def _ping(find: Callable[[Inbound], Integration | None], plugin: Any, parts: Mapping[str, str]) -> Response:
    """A heartbeat of the integration's team is alive."""
    inbound = replace(_inbound(), parts=parts)
    integration = find(inbound)
    if integration is None:
        count_wrong(request.remote_addr or "")
        return _theirs(plugin.respond(inbound, Rejected("The key is not known", unauthenticated=True)))
    name = plugin.heartbeat(inbound)
    if current_app.extensions["pinged"](name, integration, inbound.body):
        return _theirs(plugin.respond(inbound, None))
    missing = f"There is no heartbeat {name or integration.key}"
    return _theirs(plugin.respond(inbound, Rejected(missing, errors=[f"heartbeat: {missing}"])))


def _let_in(find: Callable[[Inbound], Integration | None], plugin: Any = None,
            parts: Mapping[str, str] | None = None, *, most: int = door.LIMIT) -> Response:
    ip = request.remote_addr or ""
    try:
        inbound, fault = _inbound(most), None
    except Rejected as found:
        inbound, fault = _raw(b""), found
    inbound = _by_door(inbound, plugin, parts) if parts is not None else inbound
    integration = find(inbound)
    if integration is None:
        count_wrong(ip)
        return _unknown(plugin, inbound)
    plugin = plugin or current_app.extensions["plugins"].integrations.get(integration.plugin)
    g.who = integration.ref
    session.expunge_all()
    try:
        outcome = (door.reject_unreadable(integration, inbound, fault, ip=ip) if fault is not None
                   else _heard(plugin, inbound, ip) or door.receive(integration, inbound, ip=ip))
    except Retry as wait:
        return _later(wait)
    DELIVERIES.labels(outcome.status).inc()
    if outcome.status == "refused":
        count_wrong(ip)
    return _tempered(_answer(outcome, plugin, inbound), integration)


def _tempered(response: Response, integration: Integration) -> Response:
    """A busy sender is told that it is beyond its rate; it is taken all the same."""
    until = integration.busy_until
    if until is not None and until > clock.now() and response.status_code < 300:
        response.headers.update({"X-RateLimit-Limit": str(BUSY_AT), "X-RateLimit-Remaining": "0",
                                 "X-RateLimit-Reset": str(int(until.timestamp()))})
    return response


def _heard(plugin: Any, inbound: Inbound, ip: str) -> door.Outcome | None:
    """A mail that answers a page is heard, and is no delivery; its address proves it, whoever handed it on."""
    if not isinstance(plugin, MailSource):
        return None
    try:
        letter = plugin.open(inbound).letter
    except Rejected:
        return None
    return door.Outcome("accepted") if mail_replies.take(letter, ip=ip) else None


def _later(wait: Retry) -> Response:
    """The sender has to knock again, since what it said could not be checked or confirmed now."""
    response = problem(503, "Not now", wait.reason)
    response.headers["Retry-After"] = str(int(wait.after or AGAIN))
    return response


def _inbound(most: int = door.LIMIT) -> Inbound:
    """The request as plugins get it. Raises TooLarge before the body is read whole, Rejected when it can't be."""
    if (request.content_length or 0) > most:
        raise door.TooLarge(most=most)
    request.max_content_length = most + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise door.TooLarge(most=most) from None
    body = door.unpacked(raw, request.headers.get("Content-Encoding", "").strip().lower(), most)
    return replace(_raw(body), packed=b"" if raw == body else raw)


def _raw(body: bytes) -> Inbound:
    headers: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
    return Inbound(request.method, headers, request.args.to_dict(), body, clock.now())


def _by_door(inbound: Inbound, plugin: Any, parts: Mapping[str, str]) -> Inbound:
    """The request with the parts of its address, and who reads it."""
    inbound = replace(inbound, parts=parts)
    reader = plugin.reader(inbound) if hasattr(plugin, "reader") else ""
    return replace(inbound, parts={**parts, "reader": reader or plugin.slug})


def _unknown(plugin: Any, inbound: Inbound) -> Response:
    """No such integration: the same answer whether it never was or is gone; vendors' senders hear their own form."""
    if plugin is not None and hasattr(plugin, "respond"):
        try:
            plugin.verify(inbound, {})
        except Rejected as fault:
            return _theirs(plugin.respond(inbound, fault))
        return _theirs(plugin.respond(inbound, Rejected("The key is not known", unauthenticated=True,
                                                        errors=["The key is not known"])))
    raise NotFound("There is no integration with this token")


def _answer(outcome: door.Outcome, plugin: Any, inbound: Inbound) -> Response:
    if plugin is not None and hasattr(plugin, "respond") and outcome.status != "refused":
        return _theirs(plugin.respond(replace(inbound, delivery=outcome.delivery), outcome.fault))
    if outcome.status == "refused":
        return problem(401, "Not let in", outcome.reason)
    if outcome.status == "rejected":
        return problem(400, "Not readable", outcome.reason, delivery=outcome.delivery)
    response = jsonify({"status": outcome.status, "delivery": outcome.delivery})
    response.status_code = 202 if outcome.status == "accepted" else 200
    return response


def _theirs(answer: Any) -> Response:
    return Response(answer.body, answer.status, headers=dict(answer.headers))
