"""Secrets: stored ones are encrypted for exactly one row and field, handed-out ones are kept as digests."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEALED = re.compile(r"[0-9a-f]{8}\.[A-Za-z0-9_-]+$")
KEY_BYTES = 32
NONCE_BYTES = 12  # the size AES-GCM is made for (NIST SP 800-38D, 5.2.1.1)


class Unreadable(Exception):
    """A stored secret can't be opened: its key is missing, or it was altered or copied from another row."""


_keys: dict[str, AESGCM] = {}
_again: Callable[[], str] | None = None


def configure(keys: str | Iterable[str], *, again: Callable[[], str] | None = None) -> None:
    """Set the keys (base64url, 32 bytes each; comma separated or a list): the first encrypts, all decrypt.

    `again` reads them anew when a text needs a key that another process made since. Raises ValueError naming the
    position of a key that is not one.
    """
    global _keys, _again
    texts = keys.split(",") if isinstance(keys, str) else list(keys)
    made = [_key(position, text.strip()) for position, text in enumerate(texts, 1) if text.strip()]
    if not made:
        raise ValueError("ENCRYPTION_KEYS holds no key")
    _keys, _again = {key_id(raw): AESGCM(raw) for raw in made}, again


def _key(position: int, text: str) -> bytes:
    try:
        raw = _decoded(text)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ValueError(f"Key {position} of ENCRYPTION_KEYS is not {KEY_BYTES} bytes in base64url")
    return raw


def new_key() -> str:
    """A fresh key in the form that ENCRYPTION_KEYS takes."""
    return _encoded(os.urandom(KEY_BYTES))


def key_id(raw: bytes) -> str:
    """The short public name of a key, which each sealed text begins with."""
    return hashlib.sha256(b"key:" + raw).hexdigest()[:8]


def seal(text: str, *, bound_to: str) -> str:
    """Encrypt `text` with the first key for one place, such as "integration:3/signing_secret"."""
    name = next(iter(_keys), None)
    if name is None:
        raise Unreadable("There is no encryption key: ENCRYPTION_KEYS is not set")
    nonce = os.urandom(NONCE_BYTES)
    return f"{name}.{_encoded(nonce + _keys[name].encrypt(nonce, text.encode(), bound_to.encode()))}"


def open_(sealed: str, *, bound_to: str) -> str:
    """The text that was sealed for this place. Raises Unreadable."""
    name, _, rest = sealed.partition(".")
    if name not in _keys and _again is not None and (texts := _again()):
        configure(texts, again=_again)
    if name not in _keys:
        raise Unreadable(f"The key {name[:8]!r} that encrypted {bound_to} is not in ENCRYPTION_KEYS")
    try:
        raw = _decoded(rest)
        return _keys[name].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode()).decode()
    except (InvalidTag, ValueError):
        raise Unreadable(f"The secret of {bound_to} was altered or belongs elsewhere") from None


def holds(sealed: str, text: str, *, bound_to: str) -> bool:
    """Whether this very text was sealed for this place; one that can't be opened holds none, so that it can be replaced."""
    try:
        return same(open_(sealed, bound_to=bound_to), text)
    except Unreadable:
        return False


def sealed_by(sealed: str) -> str:
    """The id of the key that sealed this text."""
    return sealed.partition(".")[0]


def is_sealed(value: object) -> bool:
    """Whether this has the form of a sealed text."""
    return isinstance(value, str) and len(value) > 30 and SEALED.match(value) is not None


def key_ids() -> list[str]:
    """The ids of the keys at hand; the first encrypts."""
    return list(_keys)


def is_current(sealed: str) -> bool:
    """Whether the first key sealed this text; otherwise it waits for being sealed again."""
    return sealed_by(sealed) == next(iter(_keys), None)


def new_token(prefix: str = "") -> str:
    """A secret to hand out: 32 random bytes in base64url after `prefix`."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a token: its SHA-256 in hex. Tokens are random, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def mask(text: str) -> str:
    """What may be shown of a secret: its last 4 characters, or nothing of a short one."""
    return f"…{text[-4:]}" if len(text) >= 16 else "…"


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
