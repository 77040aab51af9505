"""What a step sends leaves the house here, with nothing open; what came back is kept without its secrets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from app.core import acting, templating
from app.core.acting import Attempt, Call, Done, Ticket
from app.core.exchange import NoAccess, Refused, Retry
from app.core.masking import storable
from app.core.reading import Rejected
from app.core.secrets import digest
from app.plugin_api import Address
from app.workflows.requests import KEPT, Prepared

EARLY = 30.0  # seconds before its end at which a token is fetched anew
LONGEST_TOKEN = 3600.0


@dataclass(frozen=True)
class Result:
    """What came of one attempt. `again`: another one makes sense, after `after` seconds if the other side said so;
    `unsure`: nobody knows whether it took effect."""

    succeeded: bool
    output: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    again: bool = False
    after: float | None = None
    unsure: bool = False
    ticket: Ticket | None = None
    warnings: tuple[str, ...] = ()


class Tokens:
    """Access tokens by address, client, secret and scope: another secret is another token. Of this process alone."""

    def __init__(self) -> None:
        self._lock, self._held = threading.Lock(), dict[tuple[str, ...], tuple[str, float]]()

    def of(self, grant: tuple[str, str, str, str], timeout: float) -> str:
        """The token of this client. Raises Retry, Rejected or NoAccess (RFC 6749, 4.4)."""
        key = self._key(grant)
        with self._lock:
            held, until = self._held.get(key, ("", 0.0))
        if time.monotonic() < until:
            return held
        token, lasts = _fetched(grant, timeout)
        with self._lock:
            self._held[key] = (token, time.monotonic() + min(lasts, LONGEST_TOKEN) - EARLY)
        return token

    def drop(self, grant: tuple[str, str, str, str]) -> None:
        """It was not accepted: fetch another one next time."""
        with self._lock:
            self._held.pop(self._key(grant), None)

    def _key(self, grant: tuple[str, str, str, str]) -> tuple[str, ...]:
        url, client, secret, scope = grant
        return url, client, digest(secret), scope


TOKENS = Tokens()


def _fetched(grant: tuple[str, str, str, str], timeout: float) -> tuple[str, float]:
    url, client, secret, scope = grant
    said = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret,
            **({"scope": scope} if scope else {})}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    tried = acting.send(Call("POST", url, headers, body=urlencode(said).encode()), timeout=timeout)
    if tried.fault is not None:
        raise tried.fault
    try:
        answer = tried.answer.json() if tried.answer else {}
        return str(answer["access_token"]), float(answer.get("expires_in") or 300)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Rejected("The token address answered without a token") from None


def perform(prepared: Prepared, *, look: bool) -> Result:
    """One attempt. `look`: an earlier one may have taken effect. Call it with nothing open."""
    if prepared.mails:
        return _mailed(prepared)
    try:
        prepared = _with_token(prepared)
        tried = _tried(prepared, look)
    except (Retry, Rejected, NoAccess) as fault:
        tried = Attempt(fault=fault)
    return _result(tried, prepared)


def _with_token(prepared: Prepared) -> Prepared:
    """The call with its token where it needs one, which shows as little as any other secret."""
    if prepared.oauth is None or prepared.call is None:
        return prepared
    token = TOKENS.of(prepared.oauth, prepared.timeout)
    headers = {**prepared.call.headers, "Authorization": f"Bearer {token}"}
    return replace(prepared, call=replace(prepared.call, headers=headers), hidden=(*prepared.hidden, token))


def _tried(prepared: Prepared, look: bool) -> Attempt:
    if prepared.action is not None and prepared.order is not None:
        return acting.attempt(prepared.action, prepared.order, prepared.config, look=look, timeout=prepared.timeout)
    assert prepared.call is not None
    tried = acting.send(prepared.call, timeout=prepared.timeout)
    if prepared.oauth is not None and tried.answer is not None and tried.answer.status == 401:
        TOKENS.drop(prepared.oauth)
    if tried.done is not None and tried.answer is not None:
        tried.done = Done({"status": tried.answer.status, "body": _read(tried.answer.text)})
    return tried


def _read(text: str) -> Any:
    """A body as JSON where it is that, as text otherwise."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _result(tried: Attempt, prepared: Prepared) -> Result:
    hidden = prepared.hidden
    response: dict[str, Any] = {}
    if tried.answer is not None:
        response = {"status": tried.answer.status, "body": tried.answer.text[:KEPT]}
    error = storable(templating.mask(str(tried.fault), hidden)) if tried.fault is not None else ""
    output: Mapping[str, Any] = tried.done.output if tried.done else {}
    fault = tried.fault
    return Result(tried.done is not None, storable(templating.mask(dict(output), hidden)),
                  storable(templating.mask(response, hidden)), error[:1000], tried.again,
                  fault.after if isinstance(fault, Retry) else None, tried.unknown,
                  tried.done.ticket if tried.done else None)


def _mailed(prepared: Prepared) -> Result:
    """Each address by the first account that takes it; once one mail is out there is no second attempt."""
    if isinstance(prepared.routes, Exception) or not prepared.routes:
        return Result(False, error=str(prepared.routes or "E-mail is not set up"), again=isinstance(prepared.routes, Retry))
    sent: list[str] = []
    for address, message in prepared.mails:
        fault = _handed(prepared, address, message)
        if fault is not None:
            words = f"{address}: {fault}" if not sent else f"{address}: {fault}; sent to {', '.join(sent)}"
            return Result(False, {"sent": sent}, error=words[:1000], again=isinstance(fault, Retry) and not sent)
        sent.append(address)
    return Result(True, {"sent": sent})


def _handed(prepared: Prepared, address: str, message: Any) -> Exception | None:
    fault: Exception | None = None
    for route in prepared.routes:
        try:
            route.channel.send(message, Address(address), route.config)
            return None
        except (Retry, Refused, Rejected, NoAccess) as refusal:
            fault = refusal
    return fault
