"""Pages about how oneself is paged, the one-tap links, and what browsers need to be paged."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    current_app,
    jsonify,
    request,
    send_from_directory,
    url_for,
)
from flask_login import current_user

from app.core.access import access
from app.core.db import session
from app.core.errors import Conflict, Invalid, NotFound, RateLimited
from app.core.pages import go, page
from app.core.web import actor, wants_json
from app.identity.models import User
from app.notifications import contacts, duty_wishes, forms, pages, proofs, queries, taps
from app.notifications.models import ContactMethod, OneTapLink

blueprint = Blueprint("notifications", __name__)
PROFILE = "identity.profile"


def _me() -> User:
    return session.get_one(User, actor().user_id)


def _back(message: str = "", *, tone: str = "calm") -> Response:
    return go(url_for(PROFILE), message or None, tone=tone)


def _shown(contacts_: pages.ContactsPanel | None = None, rules_: pages.RulesPanel | None = None, *,
           status: int = 200) -> Response:
    user = _me()
    shown: list[pages.Panel] = [contacts_ or pages.contacts_panel(user), pages.browsers_panel(user),
                                rules_ or pages.rules_panel(user)]
    return page("notifications/paging.html", pages.PagingPage(shown), status=status)


@blueprint.get("/me/contacts")
@access("own.read")
def paging() -> Response:
    """How I am paged."""
    return _shown()


@blueprint.post("/me/contacts")
@access("own.edit")
def add_contact() -> Response:
    """Add a contact method and send it a code."""
    values = {name: request.form.get(name, "").strip() for name in ("channel", "address", "name")}
    user, by = _me(), actor()
    try:
        method = contacts.add_method(user, {**values, "name": values["name"] or values["channel"]}, by=by)
    except Invalid as refusal:
        return _shown(pages.contacts_panel(user, values, refusal.problems), status=422)
    try:
        proofs.send_code(method, by=by)
    except RateLimited as refusal:
        return _back(f"{method.name} is added. {refusal.detail}", tone="caution")
    return _back(f"A code is on its way to {method.name}. Type it there.{_secret_of(method)}")


def _secret_of(method: ContactMethod) -> str:
    """The signing secret in words, for the one time that it is shown."""
    secret = queries.data_of(method).get("secret")
    return f" What is sent there is signed with this secret, shown only now: {secret}" if secret else ""


@blueprint.post("/me/contacts/<int:key>/code")
@access("own.edit")
def send_code(key: int) -> Response:
    """Send a code to a contact method."""
    method = contacts.own_method(_me(), key)
    proofs.send_code(method, by=actor())
    return _back(f"A code is on its way to {method.name}")


@blueprint.post("/me/contacts/<int:key>/prove")
@access("own.edit")
def prove(key: int) -> Response:
    """The code came back. A wrong one is counted, so this is never an answer that rolls back."""
    method = contacts.own_method(_me(), key)
    try:
        right = proofs.prove(method, request.form.get("code", ""), by=actor())
    except Conflict as refusal:
        return _back(refusal.detail, tone="danger")
    if not right:
        return _back(f"That is not the code that was sent to {method.name}", tone="danger")
    return _back(f"{method.name} is proven. Pages reach you by it from now on.")


@blueprint.post("/me/contacts/<int:key>/remove")
@access("own.edit")
def remove_contact(key: int) -> Response:
    """Remove a contact method."""
    user = _me()
    method = contacts.own_method(user, key)
    name = method.name
    contacts.remove_method(method, by=actor())
    if not queries.reachable([user.id]):
        return _back(f"{name} is removed. Nothing is left that reaches you.", tone="danger")
    return _back(f"{name} is removed")


@blueprint.post("/me/rules/<any(high, low):urgency>")
@access("own.edit")
def save_rules(urgency: str) -> Response:
    """Save the rules of an urgency; the pressed button may remove one of them."""
    user, form = _me(), request.form
    rows = forms.typed_rules(form.getlist("minutes"), form.getlist("method"), form.get("press", ""))
    names = {str(method.id): method.name for method in queries.methods_of(user)}
    try:
        contacts.save_rules(user, {urgency: forms.rule_values(rows, names)}, by=actor(), browsers=True)
    except Invalid as refusal:
        return _shown(rules_=pages.rules_panel(user, {urgency: rows}, refusal.problems), status=422)
    if not rows:
        return _back(f"No rules of your own for {urgency} urgency: the usual ones count now", tone="caution")
    return _back("Saved")


@blueprint.post("/me/contacts/test")
@access("own.edit")
def test() -> Response:
    """Send oneself a test by every method that can be used, the way pages go."""
    user = _me()
    try:
        proofs.test_pages(user, by=actor())
    except Conflict as refusal:
        return _back(refusal.detail, tone="danger")
    except RateLimited as refusal:
        return go(url_for(".test_states", id=user.id), refusal.detail, tone="caution")
    return go(url_for(".test_states", id=user.id))


@blueprint.post("/me/contacts/<int:key>/test")
@access("own.edit")
def test_one(key: int) -> Response:
    """Send oneself a test by one method."""
    user = _me()
    try:
        proofs.test_method(contacts.own_method(user, key), by=actor())
    except Conflict as refusal:
        return _back(refusal.detail, tone="danger")
    except RateLimited as refusal:
        return go(url_for(".test_states", id=user.id), refusal.detail, tone="caution")
    return go(url_for(".test_states", id=user.id))


@blueprint.get("/me/test/<int:id>")
@access("own.read")
def test_states(id: int) -> Response:
    """What became of my newest test."""
    if current_user.id != id:
        raise NotFound("There is no such test.")
    return page("notifications/test.html", pages.test_page(_me()))


@blueprint.get("/tap/<token>")
@access("token")
def show_tap(token: str) -> Response:
    """What the link is about, and one button. Mail scanners follow links: this changes nothing."""
    link = taps.link_of(token)
    if link is None or taps.fault(link):
        return _tap(link, None, taps.fault(link))
    first, *others = taps.all_of(link)
    open_ = any(one.status == "triggered" for one in (first, *others))
    return _tap(link, pages.TapPage(first, token, open_, others=others), "")


@blueprint.post("/tap/<token>")
@blueprint.post("/tap/<token>/<action>")
@access("token")
def tap(token: str, action: str = "") -> Response:
    """Act as the person the link was sent to. The token in the path is the proof, so no other is asked for."""
    link = taps.link_of(token)
    if link is None or taps.fault(link):
        return _tap(link, None, taps.fault(link))
    wanted = action or request.form.get("action", link.action)
    try:
        said = taps.use(link, wanted, ip=request.remote_addr or "", agent=request.user_agent.string)
    except Conflict as refusal:
        return _tap(link, None, refusal.detail)
    return _tap(link, pages.TapPage(link.incident, said=said, done=True, others=taps.all_of(link)[1:]), said)


def _tap(link: OneTapLink | None, shown: pages.TapPage | None, said: str) -> Response:
    """The page, or what the service worker reads; 410 for a link that counts no more."""
    status = 200 if shown else 410
    incident = link.incident if link else None
    if wants_json():
        answer = jsonify({"status": incident.status if incident and shown else "gone", "text": said})
        answer.status_code = status
        return answer
    return page("notifications/tap.html", shown or pages.TapPage(incident, said=said), status=status)


@blueprint.get("/sw.js")
@access("public")
def service_worker() -> Response:
    """The service worker stands at the root, so that it may serve the whole site."""
    answer = send_from_directory(current_app.static_folder or "", "sw.js", mimetype="text/javascript")
    answer.headers["Service-Worker-Allowed"] = "/"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@blueprint.get("/manifest.webmanifest")
@access("public")
def manifest() -> Response:
    """What a telephone needs to know to install the site."""
    return send_from_directory(current_app.static_folder or "", "manifest.webmanifest",
                               mimetype="application/manifest+json", max_age=86400)


@blueprint.get("/offline")
@access("public")
def offline() -> Response:
    """What the service worker keeps for when the server does not answer."""
    return page("notifications/offline.html", {})


@blueprint.post("/me/duty-notices")
@access("own.edit")
def save_duty_notices() -> Response:
    """Which notices of hand-offs I want."""
    duty_wishes.choose(_me(), {name: bool(request.form.get(name)) for name in duty_wishes.MOMENTS}, by=actor())
    return _back("Saved the notices")
