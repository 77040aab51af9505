"""The table of signatures: whatever may be done to one, each way in that checks signatures takes or refuses it alike."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.core import clock, contract, secrets
from app.core.plugins import Registry, load
from app.core.sources import Signature
from app.plugin_api import Inbound, Rejected
from tests import build

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECRET = "a-secret-of-the-table"
REGISTRY: Registry = load(Path(__file__).parents[2])
GRAFANA = {"hmac_secret": SECRET, "hmac_header": "X-Grafana-Alerting-Signature", "timestamp_header": "X-Grafana-Time"}


Change = Callable[[Inbound, Signature], Inbound]
Takes = Callable[[Change], bool]


def signing() -> dict[str, tuple[Signature, dict[str, str]]]:
    """How each plugin signs that signs the body by HMAC, and its configuration."""
    found = {slug: (plugin.signature, {plugin.signature.field: SECRET}) for slug, plugin in REGISTRY.integrations.items()
             if isinstance(getattr(plugin, "signature", None), Signature) and plugin.signature.kind == "hmac"}
    stamped = Signature(GRAFANA["hmac_header"], field="hmac_secret", timestamp_header=GRAFANA["timestamp_header"])
    return found | {"grafana": (stamped, GRAFANA)}


SIGNING = signing()


@pytest.fixture(scope="module")
def senders() -> dict[str, Takes]:
    """`senders[slug](change)`: whether that plugin takes its own sample as `change` makes it."""
    return {slug: _takes(slug) for slug in SIGNING}


def _takes(slug: str) -> Takes:
    how, config = SIGNING[slug]
    plugin, folder = REGISTRY.integrations[slug], REGISTRY.folder(REGISTRY.owner("integration", slug))
    sample, said = contract.sample_request(contract.samples(folder, slug)["firing"]), contract.sample_config(plugin, folder) | config

    def takes(change: Change) -> bool:
        try:
            plugin.verify(change(sample, how), said)
        except Rejected as fault:
            assert fault.unauthenticated and fault.reason
            return False
        return True
    return takes


def mac(body: bytes, how: Signature, secret: str = SECRET, algorithm: str = "sha256") -> bytes:
    """What the vendor's manual says to compute, by the standard library alone."""
    form = how.signed or ("timestamp:body" if how.timestamp_header else "body")
    stamp, joint = str(int(contract.RECEIVED.timestamp())).encode(), form.removeprefix("timestamp").removesuffix("body")
    text = body if form == "body" else stamp + joint.encode() + body
    return hmac.new(secret.encode(), text, algorithm).digest()


def written(raw: bytes, how: Signature) -> str:
    """As the vendor writes it."""
    return raw.hex() if how.encoding == "hex" else base64.b64encode(raw).decode()


def proven(inbound: Inbound, how: Signature, said: str, *, prefix: str | None = None, **more: Any) -> Inbound:
    """The request with this signature, and with the time that was signed."""
    headers = {how.header.lower(): (how.prefix if prefix is None else prefix) + said}
    if how.timestamp_header:
        headers[how.timestamp_header.lower()] = str(int(contract.RECEIVED.timestamp()))
    return replace(inbound, headers={**inbound.headers, **headers}, **more)


def abroad(inbound: Inbound) -> Inbound:
    """The same with words that are not ASCII."""
    return replace(inbound, body=json.dumps({**inbound.json(), "place": "Zürich ☃"}, ensure_ascii=False).encode())


def right(inbound: Inbound, how: Signature, **more: Any) -> Inbound:
    """As the vendor would send it."""
    return proven(inbound, how, written(mac(inbound.body, how), how), **more)


def other_writing(inbound: Inbound, how: Signature) -> Inbound:
    """Base64 where the vendor writes hex, and the reverse."""
    raw = mac(inbound.body, how)
    return proven(inbound, how, base64.b64encode(raw).decode() if how.encoding == "hex" else raw.hex())


def compressed(inbound: Inbound, how: Signature) -> Inbound:
    """What was compressed is signed."""
    packed = gzip.compress(inbound.body)
    return proven(inbound, how, written(mac(packed, how), how), packed=packed)


# What is done to the request, and whether it is taken: always, never, or by whom.
TABLE: dict[str, tuple[Change, Callable[[Signature], bool]]] = {
    "right": (right, lambda how: True),
    "missing": (lambda said, how: said, lambda how: False),
    "empty": (lambda said, how: proven(said, how, "", prefix=""), lambda how: False),
    "wrong": (lambda said, how: proven(said, how, written(mac(said.body, how, "another"), how)), lambda how: False),
    "truncated": (lambda said, how: proven(said, how, written(mac(said.body, how)[:-1], how)), lambda how: False),
    "SHA-1": (lambda said, how: proven(said, how, written(mac(said.body, how, algorithm="sha1"), how)), lambda how: False),
    "SHA-512": (lambda said, how: proven(said, how, written(mac(said.body, how, algorithm="sha512"), how)), lambda how: False),
    "upper case": (lambda said, how: proven(said, how, written(mac(said.body, how), how).upper()),
                   lambda how: how.encoding == "hex"),
    "the other writing": (other_writing, lambda how: False),
    "no prefix": (lambda said, how: right(said, how, prefix=""), lambda how: not how.prefix),
    "another prefix": (lambda said, how: right(said, how, prefix="md5="), lambda how: False),
    "not ASCII": (lambda said, how: right(abroad(said), how), lambda how: True),
    "compressed": (compressed, lambda how: True),
    "compressed after signing": (lambda said, how: right(said, how, packed=gzip.compress(said.body)), lambda how: True),
    "re-serialised": (lambda said, how: replace(right(said, how), body=json.dumps(said.json(), indent=3).encode()),
                      lambda how: False),
}


@pytest.mark.parametrize("row", TABLE)
def test_what_becomes_of_a_signature_is_the_same_for_every_sender(senders, row):
    """HRD-10: each integration whose vendor signs the body by HMAC; a refusal says why, and that it is one of identity."""
    change, taken = TABLE[row]
    assert {slug: takes(change) for slug, takes in senders.items()} == {slug: taken(how) for slug, (how, _) in SIGNING.items()}


def test_signatures_are_compared_in_constant_time(senders, monkeypatch):
    """HRD-10: what `hmac.compare_digest` says is what counts, for each of them."""
    change, _ = TABLE["wrong"]
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: True)
    assert len(senders) > 6 and {slug for slug, takes in senders.items() if not takes(change)} == set()


@pytest.fixture
def door(app: Any, client: Any, time_machine: Any) -> Callable[..., Any]:
    """`door(body, headers)`: the answer to an integration that checks our own signature, in a moment that stands still."""
    time_machine.move_to(AT, tick=False)
    build.integration("signing", secret_sealed=secrets.seal(SECRET, bound_to="integration:signing/secret"))
    return lambda body, headers: client.post("/in/token-of-signing-0123456789", data=body, headers=headers)


def ours(body: bytes, *, secret: str = SECRET, late: int = 0) -> dict[str, str]:
    """The headers as the docs say to make them."""
    stamp = str(int(clock.now().timestamp()) - late)
    proof = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-OnCall-Timestamp": stamp, "X-OnCall-Signature": f"v1={proof}"}


def test_a_compressed_body_may_be_signed_as_it_is_or_as_it_was(door):
    """HRD-10: over HTTP; what is neither is refused."""
    body = '{"title": "Zürich ☃"}'.encode()
    packed = gzip.compress(body)
    for signed, status in ((packed, 202), (body + b" ", 401), (body, 200)):  # the very same request again by its time
        answer = door(packed, {**ours(signed), "Content-Encoding": "gzip"})
        assert answer.status_code == status, answer.json


@pytest.mark.parametrize(("late", "status"), [(299, 202), (301, 401), (-59, 202), (-61, 401)])
def test_the_signed_time_has_a_window_to_the_second(door, late, status):
    """HRD-11: at the door; the time inside the payload is another matter, and changing the signed one makes it wrong."""
    body = b'{"title": "Disk is full", "timestamp": "2019-01-05T09:00:00Z", "started_at": "2031-01-05T09:00:00Z"}'
    answer = door(body, ours(body, late=late))
    assert answer.status_code == status and (status == 202 or "stale" in answer.json["detail"])
    assert door(body, ours(body) | {"X-OnCall-Timestamp": str(int(AT.timestamp()) - 1)}).status_code == 401


def test_the_same_signed_request_again_is_a_duplicate(door):
    """HRD-11: whoever recorded it gains nothing; a new one with the same words is new."""
    body = b'{"title": "Disk is full"}'
    answers = [door(body, ours(body, late=late)) for late in (1, 1, 0)]
    assert [(answer.status_code, answer.json["status"]) for answer in answers] == [
        (202, "accepted"), (200, "duplicate"), (202, "accepted")]
    assert answers[1].json["delivery"] == answers[0].json["delivery"]
