"""Whether what arrives is from Teams: a token that Microsoft signed, for our bot, about exactly this request.

Source: learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication, steps 1 to 4.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.plugin_api import Inbound, NoAccess, Refused, Rejected, Retry, deliver, mapping, sequence, text

CHANNEL = "msteams"
ISSUER = "https://api.botframework.com"
SKEW = 300
MOST = 1024 * 1024
KEEP, APART = 24 * 3600, 60  # keys are read once a day, and at once, but not every second, for a key that is new
_known: dict[str, tuple[float, list[dict[str, Any]]]] = {}
_lock = Lock()


def check(inbound: Inbound, config: Mapping[str, Any]) -> None:
    """Raise Rejected unless the token in the header is genuine, valid now, for this bot, and the activity
    is from Teams, by the service that the token names and of our tenant."""
    kind, _, token = inbound.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise _refused("There is no token")
    claims, endorsements = _claims(token.strip(), str(config["TEAMS_OPENID_URL"]))
    at = inbound.received_at.timestamp()
    if claims.get("iss") != ISSUER or claims.get("aud") != config["TEAMS_APP_ID"]:
        raise _refused("The token is not for this bot")
    if not _number(claims.get("nbf"), 0) - SKEW <= at <= _number(claims.get("exp"), -SKEW) + SKEW:
        raise _refused("The token is not valid now")
    said = inbound.object()
    if text(claims.get("serviceurl")).rstrip("/") != text(said.get("serviceUrl")).rstrip("/"):
        raise _refused("The token is for another service")
    if said.get("channelId") != CHANNEL or CHANNEL not in endorsements:  # of a web chat the page itself says who writes
        raise _refused("The key does not vouch for this channel")
    tenant = _tenant(said)
    if tenant and tenant.lower() != str(config["TEAMS_TENANT_ID"]).lower():
        raise _refused("It is from another tenant")


def _tenant(said: Mapping[str, Any]) -> str:
    """The organisation in which it was written, where that is told."""
    named = mapping(mapping(said.get("channelData")).get("tenant")).get("id")
    return text(named) or text(mapping(said.get("conversation")).get("tenantId"))


def _refused(reason: str) -> Rejected:
    return Rejected(reason, unauthenticated=True)


def _number(found: Any, otherwise: float) -> float:
    return float(found) if isinstance(found, int | float) else otherwise


def _claims(token: str, openid: str) -> tuple[dict[str, Any], list[str]]:
    """What the token says, and for which channels the key that signed it counts."""
    for again in (False, True):
        keys = _keys(openid, again=again)
        try:
            found = jwt.decode(token, KeySet.import_key_set({"keys": keys}), algorithms=["RS256"])
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # perhaps signed by a key that is newer than ours
        name = found.header.get("kid")
        signed = next((key for key in keys if key.get("kid") == name), {})
        return dict(found.claims), [text(one) for one in sequence(signed.get("endorsements"))]
    raise _refused("The token is not signed by Microsoft")


def _keys(openid: str, *, again: bool) -> list[dict[str, Any]]:
    """The vendor's signing keys."""
    with _lock:
        at, found = _known.get(openid, (float("-inf"), []))
        age = time.monotonic() - at
        if age < (APART if again else KEEP):
            return found
        try:
            listed = _read(text(_read(openid).get("jwks_uri"))).get("keys")
            found = [dict(mapping(key)) for key in sequence(listed)] or found
        except (Retry, Rejected, Refused, NoAccess, ValueError):
            if not found:
                raise _refused("Microsoft's keys could not be read") from None
        _known[openid] = (time.monotonic(), found)
        return found


def _read(url: str) -> dict[str, Any]:
    return dict(mapping(deliver(url, method="GET", account=True, most=MOST).json()))
