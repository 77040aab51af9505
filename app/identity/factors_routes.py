"""One-time codes in the browser: asked after the password, set up and removed on one's own page."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask import session as cookie

from app.core.access import access, own_transaction
from app.core.db import session, transaction
from app.core.errors import Invalid, RateLimited
from app.core.pages import go, page
from app.core.web import actor
from app.identity import challenges, factors, pages, passkeys, signin, signin_pages
from app.identity.door import blueprint, browser_secret, here, kept_device, let_in, me, visitor
from app.identity.models import LoginSession, User
from app.identity.reauth import needs_proof, proved

LATE = "That took longer than ten minutes. Begin again."


@blueprint.get("/login/code")
@access("public")
def code() -> Any:
    """The form for the code that follows the password."""
    if _held() is None:
        return go(url_for(".login"))
    return page("identity/second-factor-code.html", signin_pages.CodePage())


def _held() -> dict[str, Any] | None:
    return challenges.look("code", str(cookie.get("held", "")), browser=browser_secret())


@blueprint.post("/login/code")
@access("public")
@own_transaction
def check_code() -> Any:
    """The code opens the login that the password prepared; wrong ones count as wrong passwords."""
    held, by = _held(), visitor()
    if held is None:
        return go(url_for(".login"), LATE, tone="caution")
    try:
        with transaction():
            attempt = signin.begin_attempt(held["email"], ip=by.ip)
    except RateLimited as refusal:
        answer = page("identity/second-factor-code.html", signin_pages.CodePage(refusal.detail), status=429)
        answer.headers["Retry-After"] = str(refusal.after)
        return answer
    with transaction():
        user = session.get(User, held["user_id"])
        # The password may have been changed, or the account closed, since it was typed.
        same = user is not None and user.is_active and attempt.password_hash == held["password_hash"]
        if user is None or not same or not factors.takes(user, request.form.get("code", ""), by=by):
            signin.refuse_attempt(attempt, by=by)
            return page("identity/second-factor-code.html", signin_pages.CodePage(factors.WRONG + "."), status=401)
        challenges.take("code", str(cookie.get("held", "")), browser=browser_secret())
        user, token = signin.accept_attempt(attempt, by=by, road="code")
        device = kept_device(token, held["stay"])
    let_in(user, token, device=device)
    return go(held["next"])


def _shown(status: int = 200, **more: Any) -> Any:
    return page("identity/second-factor.html", signin_pages.factors_page(me(), here(), **more), status=status)


@blueprint.get("/me/second-factor")
@access("own.read")
@needs_proof
def second_factor() -> Any:
    """One-time codes, recovery codes and passkeys of mine."""
    return _shown()


@blueprint.post("/me/second-factor")
@access("own.edit")
@needs_proof
def begin_codes() -> Any:
    """Make the secret that the application reads."""
    try:
        factors.begin(me(), by=actor())
    except Invalid as refusal:
        return _shown(422, problems=refusal.problems)
    return go(url_for(".second_factor"))


@blueprint.post("/me/second-factor/confirm")
@access("own.edit")
@needs_proof
def confirm_codes() -> Any:
    """The first code: from now on one follows the password. Shows the recovery codes this once."""
    try:
        made = factors.confirm(me(), request.form.get("code", ""), by=actor())
    except Invalid as refusal:
        return _shown(422, problems=refusal.problems)
    proved(session.get_one(LoginSession, here().id), road="code")
    return _shown(recovery=made)


@blueprint.post("/me/second-factor/recovery")
@access("own.edit")
@needs_proof
def make_recovery_codes() -> Any:
    """Ten new recovery codes; the old ones are worthless."""
    try:
        return _shown(recovery=factors.new_recovery_codes(me(), by=actor()))
    except Invalid as refusal:
        return _shown(422, problems=refusal.problems)


@blueprint.post("/me/second-factor/remove")
@access("own.edit")
@needs_proof
def remove_codes() -> Any:
    """No more codes after my password."""
    factors.remove(me(), by=actor())
    return go(url_for(".second_factor"), "One-time codes are removed")


@blueprint.post("/people/<int:user_id>/second-factor/remove")
@access("people.edit")
@needs_proof
def reset_factor(user_id: int) -> Any:
    """Somebody lost their device: take codes, recovery codes and passkeys away."""
    user, by = pages.person_of(user_id), actor()
    for key in factors.factors_of(user).passkeys:
        passkeys.remove(key, by=by)
    factors.remove(user, by=by)
    return go(url_for(".person", user_id=user.id), f"{user.name} has no second factor now")
