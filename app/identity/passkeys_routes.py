"""Passkeys in the browser: made and removed on one's own page, used to sign in and to prove who one is."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request, url_for
from flask import session as cookie

from app.core.access import access, own_transaction
from app.core.db import session, transaction
from app.core.errors import Forbidden, Invalid, NotFound, Problem
from app.core.events import record
from app.core.pages import go
from app.core.web import actor
from app.identity import challenges, events, passkeys, rules, signin
from app.identity.door import blueprint, browser_secret, here, let_in, me, visitor
from app.identity.models import LoginSession, Passkey
from app.identity.reauth import needs_proof, proved

ADD, USE = "passkey", "passkey use"


def _ask(purpose: str, options: dict[str, Any]) -> Any:
    cookie[purpose] = challenges.put(purpose, {"challenge": options["challenge"]}, browser=browser_secret())
    return jsonify(options)


def _asked(purpose: str) -> str:
    """The challenge of this browser, used up by asking. Raises Forbidden without one."""
    kept = challenges.take(purpose, str(cookie.get(purpose, "")), browser=browser_secret())
    if kept is None:
        raise Forbidden("This took too long or was answered before. Try again.")
    return str(kept["challenge"])


def _sent() -> dict[str, Any]:
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict) or not isinstance(sent.get("answer"), dict):
        raise Invalid(problems=[Problem("answer", "The answer of the device is missing")])
    return sent


@blueprint.post("/me/passkeys/options")
@access("own.edit")
@needs_proof
def passkey_options() -> Any:
    """What the browser needs to make a key."""
    return _ask(ADD, passkeys.registration(me()))


@blueprint.post("/me/passkeys")
@access("own.edit")
@needs_proof
def add_passkey() -> Any:
    """Keep a key that this browser made."""
    sent, challenge = _sent(), _asked(ADD)
    passkeys.add(me(), sent["answer"], challenge, name=str(sent.get("name") or "Passkey"), by=actor())
    proved(session.get_one(LoginSession, here().id), road="passkey")
    return jsonify({"next": url_for(".second_factor")})


@blueprint.post("/me/passkeys/<int:key_id>/remove")
@access("own.edit")
@needs_proof
def remove_passkey(key_id: int) -> Any:
    """Forget one of my keys."""
    key = session.get(Passkey, key_id)
    if key is None or key.user_id != me().id:
        raise NotFound("There is no such passkey.")
    passkeys.remove(key, by=actor())
    return go(url_for(".second_factor"), f"The passkey {key.name} is removed")


@blueprint.post("/login/passkey/options")
@access("public")
def passkey_challenge() -> Any:
    """What the browser needs to use a key."""
    return _ask(USE, passkeys.authentication())


@blueprint.post("/login/passkey")
@access("public")
@own_transaction
def sign_in_by_passkey() -> Any:
    """Sign in with a key; no password and no code is asked."""
    by = visitor()
    target = rules.own_path(request.args.get("next"))

    def enter() -> Any:
        user = passkeys.owner_of(_sent()["answer"], challenge)
        return user, signin.open_login(user, ip=by.ip, agent=by.agent, road="passkey")
    with transaction():
        challenge = _asked(USE)
    user, token = _or_refused(enter)
    let_in(user, token)
    return jsonify({"next": target})


@blueprint.post("/me/prove/passkey")
@access("own.edit")
@own_transaction
def prove_by_passkey() -> Any:
    """Prove with a key that it is still the same person."""
    login_id, user_id = here().id, here().user_id

    def prove() -> None:
        if passkeys.owner_of(_sent()["answer"], challenge).id != user_id:
            raise Forbidden("the key is another person's")
        proved(session.get_one(LoginSession, login_id))
    with transaction():
        challenge = _asked(USE)
    _or_refused(prove)
    return jsonify({"next": rules.own_path(request.args.get("next"))})


def _or_refused(act: Any) -> Any:
    """Do it in a transaction; a refusal is written down with its reason and told without it."""
    try:
        with transaction():
            return act()
    except Forbidden as refusal:
        with transaction():
            record(events.PASSKEY_REFUSED, signin.NOBODY, by=visitor(), reason=refusal.detail)
        raise Forbidden(passkeys.REFUSED) from None
