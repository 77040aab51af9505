"""Prove it is you: what opens doors or changes rights asks again when the last proof is older than 15 minutes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import request, url_for

from app.core import clock
from app.core.access import access, own_transaction
from app.core.db import session, transaction
from app.core.errors import Forbidden, RateLimited
from app.core.pages import go, page
from app.core.reading import host_of
from app.core.web import actor, wants_json
from app.identity import credentials, factors, rules, signin, signin_pages
from app.identity.door import blueprint, here, let_in, visitor
from app.identity.models import LoginSession

View = TypeVar("View", bound=Callable[..., Any])
WRONG = "That was not right. Try again."


def needs_proof(view: View) -> View:
    """The view answers only within 15 minutes of a proof; stands below `access`."""
    @wraps(view)
    def checked(*words: Any, **named: Any) -> Any:
        asked = stale()
        return view(*words, **named) if asked is None else asked
    return checked  # type: ignore[return-value]


def stale() -> Any:
    """Where to prove it first; None while the last proof counts. 403 for scripts."""
    if rules.proof_valid(here().proved_at, clock.now()):
        return None
    if wants_json():
        raise Forbidden("Prove that it is you first: load the page again.")
    return go(url_for("identity.prove", next=_back()))


def _back() -> str:
    """The page to return to: this one, or the one whose form was sent."""
    if request.method == "GET":
        return rules.own_path(request.full_path.rstrip("?"))
    came = request.headers.get("Referer", "")
    return rules.own_path(urlsplit(came).path) if host_of(came) == request.host else url_for("identity.profile")


def proved(login: LoginSession, *, road: str = "") -> None:
    """Note the proof, in the open transaction: the login goes on under a new cookie, the one before is worthless."""
    let_in(login.user, signin.prove(login, road=road), device=None)


@blueprint.get("/me/prove")
@access("own.read")
def prove() -> Any:
    """The form that asks again."""
    return _shown(rules.own_path(request.args.get("next")))


def _shown(target: str, problem: str = "", status: int = 200) -> Any:
    return page("identity/reauth.html", signin_pages.proof_page(here(), next=target, problem=problem), status=status)


@blueprint.post("/me/prove")
@access("own.edit")
@own_transaction
def prove_by_password() -> Any:
    """The password, and the code where there is one; wrong ones count as at the sign-in."""
    target, login, by = rules.own_path(request.form.get("next")), here(), actor()
    try:
        with transaction():
            attempt = signin.begin_attempt(login.user.email, ip=by.ip)
    except RateLimited as refusal:
        answer = _shown(target, refusal.detail, 429)
        answer.headers["Retry-After"] = str(refusal.after)
        return answer
    right = credentials.password_matches(attempt.password_hash, request.form.get("password", ""))
    with transaction():
        present = session.get_one(LoginSession, login.id)
        if right and factors.has_codes(present.user_id):
            right = factors.takes(present.user, request.form.get("code", ""), by=by)
        if right:
            signin.half_accept(attempt)
            proved(present)
        else:
            signin.refuse_attempt(attempt, by=visitor())
    return go(target, "Thank you") if right else _shown(target, WRONG, 422)
