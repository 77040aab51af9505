"""How Vonage is proved to: signed texts and tokens, ours and theirs.

Sources: developer.vonage.com, "Signing messages" and "Signed webhooks"; RFC 7519 (tokens).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from app.plugin_api import Inbound, NoAccess, Rejected

SLACK_SECONDS = 300
TOKEN_SECONDS = 300


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token(application: str, private_key: str, at: float) -> str:
    """The token that names our application, signed by RS256. Raises NoAccess when the key is none."""
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    head = {"alg": "RS256", "typ": "JWT"}
    claims = {"application_id": application, "iat": int(at), "exp": int(at) + TOKEN_SECONDS, "jti": str(uuid4())}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
    try:
        key = load_pem_private_key(private_key.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError):
        raise NoAccess("VONAGE_PRIVATE_KEY is no private key in PEM form") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise NoAccess("VONAGE_PRIVATE_KEY is no RSA key")
    return f"{signed}.{_encoded(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


def check_fields(fields: Mapping[str, Any], secret: str, at: float) -> None:
    """Check the field `sig` of a text or report: HMAC-SHA256 over the sorted fields. Raises Rejected."""
    named = {name: str(value) for name, value in fields.items() if name != "sig"}
    text = "".join(f"&{name}={named[name].translate(str.maketrans('&=', '__'))}" for name in sorted(named))
    right = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right, str(fields.get("sig", "")).lower()):
        raise Rejected("Vonage's signature is wrong", unauthenticated=True)
    stamp = named.get("timestamp", "")
    if not stamp.isdecimal() or abs(int(stamp[:12]) - at) > SLACK_SECONDS:
        raise Rejected("Vonage's request is older than 5 minutes", unauthenticated=True)


def check_token(inbound: Inbound, secret: str) -> None:
    """Check the token of a call's webhook, and that it was made for this body. Raises Rejected."""
    try:
        signed, _, proof = inbound.headers.get("authorization", "").removeprefix("Bearer ").rpartition(".")
        head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        right = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
        fine = head["alg"] == "HS256" and hmac.compare_digest(right, _decoded(proof))
        fresh = abs(float(claims["iat"]) - inbound.received_at.timestamp()) <= SLACK_SECONDS
        same = claims.get("payload_hash") == hashlib.sha256(inbound.body).hexdigest() if inbound.body else True
    except (ValueError, KeyError, TypeError):
        fine = fresh = same = False
    if not (fine and fresh and same):
        raise Rejected("Vonage's token is wrong", unauthenticated=True)
