"""The front door: who is asking, the gate before every view, sign-in and sign-out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, current_app, g, redirect, request, url_for
from flask import session as cookie
from flask_login import current_user
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from app.core import clock
from app.core.access import Actor, access, own_transaction
from app.core.db import session, transaction
from app.core.errors import Forbidden, RateLimited
from app.core.extensions import login_manager
from app.core.pages import go, page
from app.core.secrets import new_token
from app.core.web import actor, csrf_token, wants_json
from app.identity import challenges, credentials, devices, factors, rules, signin, signin_pages
from app.identity.models import LoginSession, User
from app.identity.queries import api_token, login_of, may_anywhere

blueprint = Blueprint("identity", __name__)
# Views of which the edge or the view itself asks who it is: a signed link, the token of a sender, a live socket.
OPEN = ("public", "token")
DEVICE = "oncall_device"
# What stays open to a person who has to set up a second factor first.
BEFORE_FACTOR = tuple(f"identity.{name}" for name in (
    "second_factor", "begin_codes", "confirm_codes", "passkey_options", "add_passkey", "sign_out", "prove",
    "prove_by_password"))
WRONG = "E-mail or password is wrong."


@login_manager.user_loader
def person_of_cookie(user_id: str) -> User | None:
    """The person whose login this cookie opens; the id beside it must agree."""
    if _bearer():
        return None
    login = login_of(str(cookie.get("login", "")))
    if login is None or str(login.user_id) != user_id:
        return None
    g.login, g.who = login, login.user.ref
    return login.user


@login_manager.request_loader
def person_of_token(_request: Any) -> User | None:
    """The owner of the bearer token, on /api/v1, and on /scim/v2 where nothing but the scope for it counts."""
    scim = request.path.startswith("/scim/v2/")
    text = _bearer() if scim or request.path.startswith("/api/v1") else ""
    token = api_token(text) if text else None
    if token is None:
        return None
    scopes = frozenset(token.scopes) if token.scopes is not None else None
    g.who, g.api_token, g.scopes = token.user.ref, token, frozenset({"scim"}) & (scopes or frozenset()) if scim else scopes
    return token.user


def _bearer() -> str:
    given = request.authorization
    return (given.token or "") if given is not None and given.type == "bearer" else ""


@login_manager.unauthorized_handler
def unauthorized() -> Any:
    """401 for machines; people sign in first and then land where they wanted to go."""
    if wants_json():
        detail = "This needs a signed-in person or a valid token: `Authorization: Bearer …`."
        raise Unauthorized(detail, www_authenticate=WWWAuthenticate("bearer"))
    begun = _begun_by_device()
    if begun is not None:
        return begun
    target = request.full_path.rstrip("?") if request.method == "GET" and "HX-Request" not in request.headers else ""
    url = url_for("identity.login") + (f"?next={quote(target, safe='/')}" if target not in ("", "/") else "")
    if request.headers.get("HX-Request") == "true":
        return Response(status=401, headers={"HX-Redirect": url})
    return redirect(url, 303)


@blueprint.before_app_request
def gate() -> Any:
    """Default deny, before a body is read: a view without `access`, or whose action the person can't do anywhere,
    is closed."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.endpoint == "static" or request.method == "OPTIONS":
        return None
    action = getattr(view, "access", "admin")
    if action in OPEN:
        return None
    if not current_user.is_authenticated:
        return unauthorized()
    if not may_anywhere(actor(), action):
        raise Forbidden("Your role does not include this.")
    _note_use()
    if request.endpoint not in BEFORE_FACTOR and g.get("login") is not None and factors.missing(g.login):
        return _led_to_factor()
    return None


def _led_to_factor() -> Any:
    """The settings demand a second factor: nothing else opens before it is there."""
    if wants_json():
        raise Forbidden("Set up a second factor first.")
    return go(url_for("identity.second_factor"))


def _note_use() -> None:
    """Keep when a login or token was last used, in a short transaction of its own before the view's, and only now and
    then: a page that is merely read writes nothing more than every 5 minutes, a socket never."""
    if request.path.startswith("/live/"):
        return
    login, token, at = g.get("login"), g.get("api_token"), clock.now()
    if login is not None and at - login.last_seen_at >= rules.SEEN_EVERY:
        with transaction():
            signin.note_seen(login.id)
    elif token is not None and (token.last_used_at is None or at - token.last_used_at >= rules.USED_EVERY):
        with transaction():
            signin.note_used(token.id)


def _begun_by_device() -> Any:
    """A kept device begins a new login where a person opens a page and the one before has ended: then the page again,
    under the new cookies. None where there is no device, or a script asks."""
    token = request.cookies.get(DEVICE, "")
    if not token or request.method != "GET" or "HX-Request" in request.headers or wants_json():
        return None
    by = visitor()
    with transaction():
        found = devices.renew(token, by=by)
        login = found and signin.open_login(found[0].user, ip=by.ip, agent=by.agent, road=found[0].road,
                                            device=found[0].id)
    if found is None or login is None:
        g.device = ""
        return None
    let_in(found[0].user, login, device=found[1])
    return redirect(rules.own_path(request.full_path.rstrip("?")), 303)


def let_in(user: User, token: str, *, device: str | None = "") -> None:
    """Give this browser a fresh cookie: whatever it carried before is worthless now. `device` is the token of a device
    that is kept; "" forgets a former one, None leaves it."""
    cookie.clear()
    g.device = device
    cookie["login"], cookie["_user_id"] = token, user.get_id()
    csrf_token()


@blueprint.after_app_request
def _hand_over_device(response: Response) -> Response:
    device = g.get("device")
    if device:
        response.set_cookie(DEVICE, device, max_age=rules.DEVICE_LASTS, httponly=True, samesite="Lax",
                            secure=current_app.config["SESSION_COOKIE_SECURE"])
    elif device == "" and DEVICE in request.cookies:
        response.delete_cookie(DEVICE)
    return response


def here() -> LoginSession:
    """The login that this request came by. 403 where it came by a token."""
    login: LoginSession | None = g.get("login")
    if login is None:
        abort(403, "This needs a signed-in browser.")
    return login


def me() -> User:
    """The person who asks, in the present transaction."""
    return session.get_one(User, actor().user_id)


@blueprint.get("/login")
@access("public")
def login() -> Any:
    """The sign-in form."""
    target = rules.own_path(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target, 303)
    begun = _begun_by_device()
    if begun is not None:
        return begun
    return page("identity/login.html", signin_pages.login_page(next=target))


@blueprint.post("/login")
@access("public")
@own_transaction
def sign_in() -> Any:
    """Sign in with e-mail and password. Every failure looks alike and takes as long."""
    email, target = request.form.get("email", ""), rules.own_path(request.form.get("next") or request.args.get("next"))
    shown = signin_pages.login_page(email=email, next=target)
    by = visitor()
    try:
        with transaction():
            attempt = signin.begin_attempt(email, ip=by.ip)
    except RateLimited as refusal:
        answer = page("identity/login.html", replace(shown, problem=refusal.detail), status=429)
        answer.headers["Retry-After"] = str(refusal.after)
        return answer
    right = credentials.password_matches(attempt.password_hash, request.form.get("password", ""))
    with transaction():
        if not right:
            signin.refuse_attempt(attempt, by=by)
            return page("identity/login.html", replace(shown, problem=WRONG), status=401)
        if factors.has_codes(attempt.user_id):
            return _ask_code(attempt, target)
        user, token = signin.accept_attempt(attempt, by=by)
        device = kept_device(token, "stay" in request.form)
    let_in(user, token, device=device)
    return go(target)


def _ask_code(attempt: signin.Attempt, target: str) -> Any:
    """The password was right; nothing opens before the code, not even for somebody who was signed in here."""
    signin.half_accept(attempt)
    cookie.clear()
    kept = {"user_id": attempt.user_id, "email": attempt.email, "password_hash": attempt.password_hash, "next": target,
            "stay": "stay" in request.form}
    cookie["held"] = challenges.put("code", kept, browser=browser_secret())
    return go(url_for("identity.code"))


def kept_device(token: str, wanted: bool) -> str:
    """The token of the device that this new login keeps, "" where nobody asked for it."""
    login = login_of(token) if wanted else None
    return devices.keep(login) if login is not None else ""


def browser_secret() -> str:
    """What tells this browser from others before anybody is signed in; new with each login."""
    return str(cookie.setdefault("browser", new_token()))


def visitor() -> Actor:
    """Whoever is not signed in yet."""
    return Actor("anonymous", "Somebody", "web", ip=request.remote_addr or "", agent=request.user_agent.string)


@blueprint.post("/logout")
@access("own.read")
def sign_out() -> Any:
    """End this login on the server, too."""
    signin.sign_out(here(), by=actor())
    cookie.clear()
    g.device = ""
    return go(url_for("identity.login"), "You are signed out.")
