"""Signatures of requests: ours on what goes out, and the check of the common ways in which senders sign."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal

from app.core.reading import Rejected, moment

OLD_SECONDS = 300
AHEAD_SECONDS = 60
DIGESTS = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}

Signed = Literal["body", "timestamp.body", "timestamp:body", "timestampbody"]


def sign(body: bytes, *, secret: str, at: datetime, delivery: str) -> dict[str, str]:
    """The headers of an outgoing request: time, `v1=` HMAC-SHA256 of "<timestamp>.<raw body>" in hex, delivery id."""
    timestamp = str(int(at.timestamp()))
    made = _mac(secret, signed_text(body, timestamp, "timestamp.body"), "sha256").hex()
    return {"X-OnCall-Timestamp": timestamp, "X-OnCall-Signature": f"v1={made}", "X-OnCall-Delivery": delivery}


def made(
    body: bytes, *, secret: str, at: datetime, header: str, prefix: str = "",
    algorithm: Literal["sha256", "sha512"] = "sha256", encoding: Literal["hex", "base64"] = "hex",
    timestamp_header: str = "", signed: Signed = "body",
) -> dict[str, str]:
    """The headers that `check` with the same description accepts."""
    timestamp = str(int(at.timestamp()))
    raw = _mac(secret, signed_text(body, timestamp, signed), algorithm)
    text = raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()
    return {header: prefix + text, **({timestamp_header: timestamp} if timestamp_header else {})}


def signed_text(body: bytes, timestamp: str, form: Signed) -> bytes:
    """The bytes that a signature of this form covers."""
    if form == "body":
        return body
    return timestamp.encode("utf-8", "replace") + form.removeprefix("timestamp").removesuffix("body").encode() + body


def _mac(secret: str, message: bytes, algorithm: str) -> bytes:
    return hmac.new(secret.encode(), message, DIGESTS[algorithm]).digest()


def check(
    body: bytes, headers: Mapping[str, str], received_at: datetime, *, secrets: Iterable[str], header: str,
    packed: bytes = b"", prefix: str = "", algorithm: Literal["sha256", "sha512"] = "sha256",
    encoding: Literal["hex", "base64"] = "hex", timestamp_header: str = "", signed: Signed = "body",
) -> str:
    """Check the signature in `header` against any of `secrets`; returns the secret that fits.

    It covers the body, or what was compressed on its way (`packed`). A header may hold several signatures with commas
    between them, of which one must be right. The time is judged only where it is inside the signed text.
    Raises Rejected (unauthenticated): it is missing, wrong or stale.
    """
    said = headers.get(header.lower(), "").strip()
    timestamp = headers.get(timestamp_header.lower(), "").strip() if timestamp_header else ""
    if not said:
        raise Rejected(f"The signature is missing: there is no header {header}", unauthenticated=True)
    read = ENCODINGS[encoding]
    messages = [signed_text(one, timestamp, signed) for one in {body, packed or body}]
    offered = [read(part.strip().removeprefix(prefix)) for part in said.split(",") if part.strip().startswith(prefix)]
    for secret in secrets:
        right = [_mac(secret, message, algorithm) for message in messages]
        if any(hmac.compare_digest(one, other) for one in right for other in offered):
            if signed != "body":
                _check_age(timestamp, received_at)
            return secret
    raise Rejected(f"The signature in {header} is wrong", unauthenticated=True)


def _check_age(timestamp: str, received_at: datetime) -> None:
    sent = moment(timestamp)
    if sent is None:
        raise Rejected("The signature is stale: its time can't be read", unauthenticated=True)
    age = (received_at - sent).total_seconds()
    if not -AHEAD_SECONDS <= age <= OLD_SECONDS:
        raise Rejected(f"The signature is stale: its time is {age:.0f} s ago", unauthenticated=True)


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


ENCODINGS: dict[str, Callable[[str], bytes]] = {"hex": _from_hex, "base64": _from_base64}
