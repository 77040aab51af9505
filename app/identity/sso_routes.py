"""Single sign-on in the browser: there, back, and the pages on which administrators set it and the directory up."""

from __future__ import annotations

from typing import Any

import structlog
from flask import redirect, request, url_for
from flask import session as cookie
from flask_login import current_user

from app.core import clock
from app.core.access import access
from app.core.db import session, transaction
from app.core.errors import Invalid, NotFound
from app.core.events import record
from app.core.pages import go, page
from app.core.secrets import new_token
from app.core.web import actor
from app.identity import (
    challenges,
    credentials,
    events,
    rules,
    scim_calls,
    signin,
    signin_pages,
    sso,
    sso_accounts,
    sso_settings,
)
from app.identity.door import blueprint, browser_secret, let_in, me, visitor
from app.identity.models import LoginSession
from app.identity.queries import login_of
from app.identity.reauth import needs_proof, proved

log = structlog.get_logger()
LATE = "This sign-in took longer than ten minutes, was used before, or began in another browser. Begin again."
REFUSED = "The identity provider knows you, but you can't sign in here with it. An administrator can see why."
AWAY = "The identity provider can't be reached at the moment. Try again, or use a local account."
# What an attempt is for: signing in, proving again who one is, or only showing what the provider says.
SIGN_IN, PROVE, TRY = "sign in", "prove", "try"


def _begin(purpose: str, target: str, **more: str) -> Any:
    """On to the provider; or back with the reason when it can't be reached."""
    idp = sso.provider()
    if idp is None:
        raise NotFound("There is no single sign-on here.")
    kept = {"purpose": purpose, "nonce": new_token(), "verifier": new_token(), "next": target}
    try:
        sso.metadata(idp)
        with transaction():
            state = challenges.put("sso", kept, browser=browser_secret())
        return redirect(sso.authorization_url(idp, sso.Question(state, kept["nonce"], kept["verifier"]), **more), 303)
    except (sso.Away, sso.Refused) as reason:
        return _away(target, reason)


def _away(target: str, reason: Exception) -> Any:
    """The reason names addresses, so it stands in the journal and not on a page that anybody may see."""
    log.warning("identity_provider.away", reason=str(reason)[:300])
    return _login(target, AWAY, 503)


def _login(target: str, problem: str, status: int) -> Any:
    return page("identity/login.html", signin_pages.login_page(next=target, problem=problem), status=status)


@blueprint.get("/login/sso")
@access("public")
def begin_sso() -> Any:
    """Sign in at the identity provider."""
    return _begin(SIGN_IN, rules.own_path(request.args.get("next")))


@blueprint.get("/me/prove/sso")
@access("own.read")
def prove_by_sso() -> Any:
    """Prove again who one is, at the identity provider."""
    return _begin(PROVE, rules.own_path(request.args.get("next")), prompt="login", max_age="0")


@blueprint.get("/login/sso/callback")
@access("public")
def sso_callback() -> Any:
    """Back from the identity provider."""
    idp = sso.provider()
    if idp is None:
        raise NotFound("There is no single sign-on here.")
    state = request.args.get("state", "")
    with transaction():
        kept = challenges.take("sso", state, browser=str(cookie.get("browser", "")))
    if kept is None:
        return _refused("the state is unknown, used, too old, or of another browser", LATE, "/")
    try:
        if request.args.get("iss", idp.issuer).rstrip("/") != idp.issuer.rstrip("/"):  # RFC 9207
            raise sso.Refused("the answer comes from another issuer")
        if "code" not in request.args:
            raise sso.Refused(f"the provider said {request.args.get('error', 'nothing')[:80]}")
        claims = sso.claims_of(idp, request.args["code"], sso.Question(state, kept["nonce"], kept["verifier"]))
        return _FINISH[kept["purpose"]](claims, kept["next"])
    except sso.Away as reason:
        return _away(kept["next"], reason)
    except sso.Refused as refusal:
        return _refused(str(refusal), REFUSED, kept["next"])


def _refused(reason: str, shown: str, target: str) -> Any:
    with transaction():
        record(events.SSO_REFUSED, signin.NOBODY, by=visitor(), reason=reason, email="")
    return _login(target, shown, 403)


def _sign_in(claims: sso_accounts.Claims, target: str) -> Any:
    by = visitor()
    try:
        with transaction():
            user = sso_accounts.person_for(claims, by=by)
            token = signin.open_login(user, ip=by.ip, agent=by.agent, road="sso")
    except sso.Refused as refusal:
        raise sso.Refused(f"{refusal}: {str(claims.get('email', claims['sub']))[:200]}") from None
    let_in(user, token)
    return go(target)


def _prove(claims: sso_accounts.Claims, target: str) -> Any:
    """The same person as before, and signed in at the provider just now."""
    login = login_of(str(cookie.get("login", "")))
    found = sso_accounts.identity_of(claims)
    if login is None or found is None or found.user_id != login.user_id:
        raise sso.Refused("another person proved who they are")
    if not _just_now(claims.get("auth_time")):
        raise sso.Refused("the provider did not ask for the proof again")
    with transaction():
        proved(session.get_one(LoginSession, login.id))
    return go(target, "Thank you")


def _just_now(signed_in_at: object) -> bool:
    """Whether the provider says that the person signed in there within the last ten minutes (`max_age` asks it to)."""
    if isinstance(signed_in_at, bool) or not isinstance(signed_in_at, (int, float)):
        return False
    return clock.now().timestamp() - signed_in_at <= rules.CHALLENGE_LASTS.total_seconds() + sso.LEEWAY_SECONDS


def _try(claims: sso_accounts.Claims, _target: str) -> Any:
    """What the provider says, and nothing is kept of it."""
    if not current_user.is_authenticated or current_user.role != "admin":
        raise sso.Refused("who tried it is signed out")
    return page("identity/sso.html", signin_pages.sso_page(claims))


_FINISH = {SIGN_IN: _sign_in, PROVE: _prove, TRY: _try}


@blueprint.get("/settings/sso")
@access("admin")
def sso_settings_page() -> Any:
    """How people sign in, and what was refused."""
    return page("identity/sso.html", signin_pages.sso_page())


@blueprint.post("/settings/sso")
@access("admin")
@needs_proof
def save_sso() -> Any:
    """Change the provider and the claims that make an administrator."""
    values = {name: request.form.get(name, "") for name in ("issuer", "client_id", "client_secret", "scopes", "creates",
                                                            "role_claim", "admin_values")}
    idp = sso.provider()
    if idp is not None and idp.fixed:
        values |= {"issuer": "", "client_id": "", "client_secret": "", "scopes": "", "creates": "1"}
    try:
        sso_settings.save(values, by=actor())
    except Invalid as refusal:
        shown = signin_pages.sso_page(form={**values, "client_secret": ""}, problems=refusal.problems)
        return page("identity/sso.html", shown, status=422)
    sso.forget()
    return go(url_for(".sso_settings_page"), "Saved")


@blueprint.get("/settings/sso/try")
@access("admin")
@needs_proof
def try_sso() -> Any:
    """Sign in at the provider to see what it says; no account is made or linked."""
    return _begin(TRY, url_for(".sso_settings_page"))


@blueprint.get("/settings/scim")
@access("admin")
def scim_settings() -> Any:
    """The directory: what to enter there, and how it goes."""
    return page("identity/scim.html", scim_calls.scim_page(actor()))


@blueprint.post("/settings/scim/tokens")
@access("admin")
@needs_proof
def add_scim_token() -> Any:
    """A token for the directory, shown this once."""
    _, text = credentials.create_token(me(), by=actor(), name="Directory", scopes=["scim"])
    return page("identity/scim.html", scim_calls.scim_page(actor(), secret=text))
