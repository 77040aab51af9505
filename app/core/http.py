"""Outgoing HTTP: every call of the house is made here, to an address that was checked and within a time that ends."""

from __future__ import annotations

import json as json_module
import logging
import os
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import httpcore
import httpx

from app.core import clock
from app.core.outbound import CheckedBackend, Deadline, ForbiddenAddress, Unreachable

__all__ = ["Answer", "ForbiddenAddress", "Unreachable", "configure", "request", "retry_after"]

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
ANSWER_BYTES = 64 * 1024
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL)

Networks = tuple[IPv4Network | IPv6Network, ...]

# Both log whole addresses, and an address may hold a token.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True)
class Answer:
    """What the other side said: header names in lower case, the body's first bytes (64 KiB unless told) raw."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is not."""
        return json_module.loads(self.body)


def retry_after(answer: Answer) -> float | None:
    """The wait in seconds that the header Retry-After asks for, as a number or a date (RFC 9110, 10.2.3)."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdecimal() and said.isascii():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - clock.now()).total_seconds())
    except (TypeError, ValueError):
        return None


class _State:
    """The clients of this process, made at the first call and again after a change or a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.allowed: Networks = ()
        self.client: httpx.Client | None = None

    def forget(self) -> None:
        self.lock, self.client = threading.Lock(), None


_state = _State()
_deadline = Deadline()
os.register_at_fork(after_in_child=_state.forget)


def networks(texts: str | Iterable[str]) -> Networks:
    """The networks that a setting names (CIDRs, comma separated or a list). Raises ValueError naming the wrong one."""
    parts = texts.split(",") if isinstance(texts, str) else texts
    return tuple(ip_network(part.strip(), strict=False) for part in parts if part.strip())


def configure(allowed: str | Iterable[str]) -> None:
    """Say which private networks may be reached (the setting OUTBOUND_ALLOW). Open connections are not used again."""
    with _state.lock:
        _state.allowed, _state.client = networks(allowed), None


def request(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, json: Any = None,
    data: bytes | str | Mapping[str, Any] | None = None, timeout: float = TOTAL_SECONDS, allow: Iterable[str] = (),
    most: int = ANSWER_BYTES,
) -> Answer:
    """Call `url` once and return its answer, whatever its status; redirects are not followed.

    `timeout` is the whole call in seconds, name lookup included. `data` is the raw body, or a mapping for a form.
    At most `most` bytes of the answer are read. `allow` adds networks (CIDRs) to the configured ones for this call.
    Raises Unreachable, or ForbiddenAddress when the address may not be called; both carry a sentence that names the
    host and nothing else of the address.
    """
    target = _checked(url)
    body = {"data": data} if isinstance(data, Mapping) else {"content": data}
    call: dict[str, Any] = {"headers": dict(headers or {}), "json": json, "most": most, **body}
    extra = networks(allow)
    if not extra:
        return _call(_client(), method, target, call, timeout)
    with _new_client(_state.allowed + extra) as client:
        return _call(client, method, target, call, timeout)


def _checked(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise ForbiddenAddress("This is not a web address") from None
    if target.scheme not in ("http", "https") or not target.host:
        raise ForbiddenAddress("Only addresses that start with https:// can be called")
    if target.userinfo:
        raise ForbiddenAddress("An address must not hold a user name or password")
    return target


def _client() -> httpx.Client:
    with _state.lock:
        if _state.client is None:
            _state.client = _new_client(_state.allowed)
        return _state.client


class _CheckedTransport(httpx.HTTPTransport):
    """httpx's transport over a pool whose connections are opened by the checking backend."""

    def __init__(self, allowed: Networks, context: ssl.SSLContext, *, plain: bool) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_connections=100, max_keepalive_connections=20,
            keepalive_expiry=5.0, network_backend=CheckedBackend(allowed, _deadline, only_allowed=plain),
        )


def _new_client(allowed: Networks) -> httpx.Client:
    """A client that keeps no cookies, follows nothing and reads no proxy settings."""
    context = httpx.create_ssl_context()
    return httpx.Client(
        mounts={"http://": _CheckedTransport(allowed, context, plain=True),
                "https://": _CheckedTransport(allowed, context, plain=False)}, verify=context,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])), follow_redirects=False, trust_env=False,
        headers={"User-Agent": "OnCall-Platform", "Accept-Encoding": "identity"},
    )


def _call(client: httpx.Client, method: str, url: httpx.URL, call: dict[str, Any], seconds: float) -> Answer:
    most = call.pop("most")
    limits = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
    with _deadline.within(seconds):
        try:
            with client.stream(method, url, timeout=limits, **call) as response:
                return Answer(response.status_code, _headers(response), _body(response, most))
        except httpx.TimeoutException as error:
            raise Unreachable(f"{url.host} did not answer within {seconds:g} s", left=_left(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{url.host} could not be reached: {_plain(error)}", left=_left(error)) from None


def _left(error: Exception) -> bool:
    return not isinstance(error, NEVER_LEFT)


def _plain(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _body(response: httpx.Response, most: int) -> bytes:
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) >= most:
            break
    return bytes(body[:most])
