"""What most ways in share: a vendor's signature described as data, and an integration made of one reading function."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.core import signatures
from app.core.fields import Field
from app.core.inbound import Inbound, Signal
from app.core.reading import Rejected, text


def check_signature(
    inbound: Inbound, *, secret: str, header: str, prefix: str = "", timestamp_header: str = "", **how: Any,
) -> None:
    """Check a vendor's HMAC-SHA256 in hex over the body, or over "time:body" where the vendor sends the time too.

    `how`: another `encoding` ("base64") or form of what is `signed` ("timestamp.body", "timestampbody"). Raises Rejected
    (unauthenticated) naming whether it is missing, wrong or stale.
    """
    signatures.check(inbound.body, inbound.headers, inbound.received_at, secrets=[secret], header=header, prefix=prefix,
                     packed=inbound.packed, timestamp_header=timestamp_header,
                     **{"signed": "timestamp:body" if timestamp_header else "body", **how})


@dataclass(frozen=True)
class Signature:
    """How a vendor proves itself: an HMAC-SHA256 of the body in hex, or the secret itself (`kind` "token").

    With a `timestamp_header` its time is signed too, as "time:body" unless `signed` says otherwise. `field` is the field of
    the integration that holds the secret; where it is empty nothing is checked.
    """

    header: str
    field: str = "secret"
    prefix: str = ""
    kind: Literal["hmac", "token"] = "hmac"
    timestamp_header: str = ""
    signed: signatures.Signed | None = None
    encoding: Literal["hex", "base64"] = "hex"

    def _how(self) -> dict[str, Any]:
        """The description that signing and checking share."""
        usual = "timestamp:body" if self.timestamp_header else "body"
        return {"header": self.header, "prefix": self.prefix, "timestamp_header": self.timestamp_header,
                "signed": self.signed or usual, "encoding": self.encoding}

    def check(self, inbound: Inbound, config: Mapping[str, Any]) -> None:
        """Raise Rejected (unauthenticated) when it is missing or wrong."""
        secret = str(config.get(self.field) or "")
        if secret and self.kind == "hmac":
            check_signature(inbound, secret=secret, **self._how())
        elif secret:
            self._check_token(inbound.headers.get(self.header.lower(), ""), secret)

    def _check_token(self, said: str, secret: str) -> None:
        if not said:
            raise Rejected(f"The secret is missing: there is no header {self.header}", unauthenticated=True)
        if not hmac.compare_digest(said.encode("utf-8", "replace"), secret.encode()):
            raise Rejected(f"The secret in {self.header} is wrong", unauthenticated=True)

    def headers(self, body: bytes, config: Mapping[str, Any], at: datetime) -> dict[str, str]:
        """The headers that `check` accepts."""
        secret = str(config.get(self.field) or "")
        if secret and self.kind == "hmac":
            return signatures.made(body, secret=secret, at=at, **self._how())
        return {self.header: secret} if secret else {}


@dataclass(frozen=True)
class Source:
    """An Integration made of one pure function: `read` gives at least one signal of a request, or raises Rejected."""

    slug: str
    name: str
    read: Callable[[Inbound, Mapping[str, Any]], list[Signal]]
    fields: Sequence[Field] = ()
    can: frozenset[str] = frozenset({"open", "resolve"})
    signature: Signature | None = None
    key: Callable[[Inbound], object] | None = None
    category: str = ""

    def verify(self, inbound: Inbound, config: Mapping[str, Any]) -> None:
        """Check the signature, if there is one, and that the body can be read."""
        if self.signature is not None:
            self.signature.check(inbound, config)
        self.read(inbound, config)

    def normalize(self, inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """The signals of one delivery."""
        return self.read(inbound, config)

    def sign(self, body: bytes, config: Mapping[str, Any], at: datetime) -> dict[str, str]:
        """The headers that prove a test."""
        return self.signature.headers(body, config, at) if self.signature is not None else {}

    def delivery_key(self, inbound: Inbound) -> str:
        """What the vendor calls this delivery; "" when it has no name for it."""
        return text(self.key(inbound)) if self.key is not None else ""
