"""The identity provider (OpenID Connect Core 1.0): its discovery, its keys, and what it says about who somebody is."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry, extract_compact

from app.core import clock, http
from app.identity.sso_settings import Provider, mode, provider, role_map

__all__ = ["Away", "Provider", "Question", "Refused", "mode", "provider", "role_map"]
CALL_SECONDS = 5.0
LEEWAY_SECONDS = 60
KEPT_SECONDS = 3600
# Signed with the provider's private key; never `none`, and never with the client's secret.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
_kept: dict[str, tuple[float, Any]] = {}


class Away(Exception):
    """The provider did not answer, or not as a provider does; the sentence is for people."""


class Refused(Exception):
    """What came back proves nothing; the sentence says why, for the log."""


@dataclass(frozen=True)
class Question:
    """What belongs to one attempt and must come back with it."""

    state: str
    nonce: str
    verifier: str


def metadata(idp: Provider) -> dict[str, Any]:
    """Its own description (OpenID Connect Discovery 1.0), kept for an hour. Raises Away."""
    return dict(_cached(f"metadata {idp.issuer}", lambda: _discovered(idp)))


def _discovered(idp: Provider) -> dict[str, Any]:
    found = _json("GET", f"{idp.issuer.rstrip('/')}/.well-known/openid-configuration")
    needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(isinstance(found.get(name), str) for name in needed):
        raise Away("The identity provider describes itself incompletely")
    if found["issuer"].rstrip("/") != idp.issuer.rstrip("/"):
        raise Away(f"The identity provider calls itself {found['issuer'][:200]}, not {idp.issuer}")
    return found


def _cached(name: str, fetch: Callable[[], Any], *, again: bool = False) -> Any:
    at, value = _kept.get(name, (0.0, None))
    if value is None or again or time.monotonic() - at > KEPT_SECONDS:
        value = fetch()
        _kept[name] = time.monotonic(), value
    return value


def forget() -> None:
    """Ask the provider anew for everything."""
    _kept.clear()


def _json(method: str, url: str, **more: Any) -> dict[str, Any]:
    try:
        answer = http.request(method, url, timeout=CALL_SECONDS, **more)
    except (http.Unreachable, http.ForbiddenAddress) as error:
        raise Away(f"The identity provider can't be reached: {error}") from None
    try:
        found = answer.json()
    except ValueError:
        found = None
    if answer.status in (400, 401, 403):
        said = found.get("error") if isinstance(found, dict) else None
        raise Refused(f"the provider said {str(said or answer.status)[:80]}")
    if answer.status != 200 or not isinstance(found, dict):
        raise Away(f"The identity provider answered {answer.status}")
    return found


def authorization_url(idp: Provider, question: Question, **more: str) -> str:
    """Where the browser goes: the code flow, with PKCE S256 (RFC 7636). Raises Away."""
    about = metadata(idp)["authorization_endpoint"]
    query = {"response_type": "code", "client_id": idp.client_id, "redirect_uri": idp.callback, "scope": idp.scopes,
             "state": question.state, "nonce": question.nonce, "code_challenge_method": "S256",
             "code_challenge": create_s256_code_challenge(question.verifier), **more}
    return f"{about}{'&' if '?' in about else '?'}{urlencode(query)}"


def claims_of(idp: Provider, code: str, question: Question) -> dict[str, Any]:
    """Exchange the code and check the identity token. Raises Away or Refused; calls the provider up to four times."""
    about = metadata(idp)
    tokens = _exchange(idp, about, code, question.verifier)
    claims = checked(idp, about, tokens, question.nonce)
    if "email" not in claims and "userinfo_endpoint" in about and tokens.get("access_token"):
        more = _json("GET", about["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"})
        if more.get("sub") == claims["sub"]:  # OpenID Connect Core 1.0, 5.3.4
            claims = {**more, **claims}
    return claims


def _exchange(idp: Provider, about: dict[str, Any], code: str, verifier: str) -> dict[str, Any]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": idp.callback, "code_verifier": verifier}
    methods = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    headers = {"Accept": "application/json"}
    if idp.client_secret and "client_secret_basic" in methods:
        headers["Authorization"] = f"Basic {_basic(idp)}"
    else:
        form |= {"client_id": idp.client_id} | ({"client_secret": idp.client_secret} if idp.client_secret else {})
    return _json("POST", about["token_endpoint"], data=form, headers=headers)


def _basic(idp: Provider) -> str:
    """RFC 6749, 2.3.1: both parts are form-encoded before they are joined."""
    return b64encode(f"{quote(idp.client_id, safe='')}:{quote(idp.client_secret, safe='')}".encode()).decode()


def checked(idp: Provider, about: dict[str, Any], tokens: dict[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of the identity token, once signature, issuer, audience, nonce and times are right. Raises Refused."""
    text = tokens.get("id_token")
    if not isinstance(text, str):
        raise Refused("the provider sent no identity token")
    try:
        token = _opened(about, text)
        claims = CodeIDToken(
            token.claims, token.header,
            {"iss": {"essential": True, "values": [about["issuer"]]},
             "aud": {"essential": True, "values": [idp.client_id]}, "exp": {"essential": True}},
            {"nonce": nonce, "client_id": idp.client_id, "access_token": tokens.get("access_token")})
        claims.validate(now=int(clock.now().timestamp()), leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Refused(f"the identity token is not valid ({str(error)[:160] or type(error).__name__})") from None
    if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
        raise Refused("the identity token names nobody")
    return dict(claims)


def _opened(about: dict[str, Any], text: str) -> jwt.Token:
    """The token, its signature checked; an unknown key is looked up once more."""
    offered = about.get("id_token_signing_alg_values_supported") or ["RS256"]
    registry = JWSRegistry(algorithms=sorted(ALGORITHMS & set(offered)), strict_check_header=False)
    try:
        return jwt.decode(text, KeySet.import_key_set(_keys(about)), registry=registry)
    except (InvalidKeyIdError, BadSignatureError) as fault:
        # A provider with a single key may leave its name out; then a new key shows as a wrong signature.
        if isinstance(fault, BadSignatureError) and "kid" in extract_compact(text.encode()).headers():
            raise
        return jwt.decode(text, KeySet.import_key_set(_keys(about, again=True)), registry=registry)


def _keys(about: dict[str, Any], *, again: bool = False) -> Any:
    return _cached(f"keys {about['jwks_uri']}", lambda: _json("GET", about["jwks_uri"]), again=again)
