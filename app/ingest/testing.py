"""Deliveries that are tests: marked by our own signature, counted nowhere, paging only when asked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flask import current_app

from app.core import secrets
from app.ingest.models import Delivery
from app.plugin_api import Signal

HEADER = "x-oncall-test"
SELF = "self"  # the system's own: undone as soon as it is through


def mark(kind: str, nonce: str) -> str:
    """The header value that makes a delivery a test; `kind` is "quiet" or "page". Only this installation can write it."""
    return f"{kind}.{nonce}.{_proof(kind, nonce)}"


def kind_of(delivery: Delivery) -> str:
    """`quiet`, `page`, `self`, or "" for a real delivery."""
    return _kind(delivery.headers)


def is_ours(headers: Mapping[str, str]) -> bool:
    """Whether a request is a test that this installation sent."""
    return _kind(headers) != ""


def _kind(headers: Mapping[str, str]) -> str:
    kind, _, rest = str(headers.get(HEADER, "")).partition(".")
    nonce, _, proof = rest.partition(".")
    return kind if kind in ("quiet", "page", SELF) and secrets.same(proof, _proof(kind, nonce)) else ""


def marked(signal: Signal, delivery: Delivery) -> Signal:
    """A test's signal says so, and meets neither a real problem's key nor that of another test."""
    if not kind_of(delivery):
        return signal
    nonce = str(delivery.headers[HEADER]).split(".")[1]
    return replace(signal, title=f"[Test] {signal.title}", dedup_key=f"test:{nonce}:{signal.dedup_key or signal.title}")


def _proof(kind: str, nonce: str) -> str:
    return secrets.digest(f"{current_app.config['SECRET_KEY']}:test:{kind}:{nonce}")
