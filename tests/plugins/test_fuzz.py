"""Whatever a stranger sends, a way in answers with signals or Rejected, at once: the samples, spoilt in every way."""

from __future__ import annotations

import json
import random
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from app.core import contract
from app.core.plugins import load
from app.plugin_api import Inbound, Integration, Rejected, Signal
from tests.plugins.conftest import ROOT

REGISTRY = load(ROOT)
EACH, LONG = 1000, 20_000
SECONDS = 0.05
STATUSES = ("firing", "acknowledged", "resolved", "suppressed")
ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 3.5, 1e308, 10**400, "", "x" * 2_000, "\x00\u202e<img src=x>", "\ud800", "9" * 400, "NaN", [],
    {},    [[]], [None], [{}], {"": None}, {"a": {"b": [1]}}, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
    "http://[::1", "https://a:b@c/", "[" * 5_000, "{x}", "1e309", "=,:=", ["a", ["b"]], "\n\r\t", "{\"a\":",
)
every_source = pytest.mark.parametrize("slug", sorted(REGISTRY.integrations))


def mutated(value: Any, chance: random.Random) -> Any:
    """A copy of a payload in which some values were replaced, dropped, wrapped or made a hundred times longer."""
    if chance.random() < 0.06:
        return chance.choice(ODD_VALUES)
    if isinstance(value, dict):
        return {name: mutated(item, chance) for name, item in value.items() if chance.random() > 0.04}
    if isinstance(value, list):
        return [mutated(item, chance) for item in value * chance.choice((1, 1, 2))]
    if isinstance(value, str) and chance.random() < 0.02:
        return value * 100 if len(value) < 500 else parsed_within(value, chance)
    return [value] if chance.random() < 0.02 else value


def parsed_within(value: str, chance: random.Random) -> str:
    """A text that holds JSON, as some senders wrap it, spoilt inside."""
    try:
        return json.dumps(mutated(json.loads(value), chance))
    except ValueError:
        return value[:chance.randrange(len(value))]


def spoilt_line(line: bytes, chance: random.Random) -> bytes:
    """A line of a mail: as it is, gone, cut, or with nonsense in it."""
    if chance.random() > 0.1:
        return line
    return chance.choice((b"", line[:chance.randrange(len(line) + 1)], line + chance.randbytes(5), line * 50,
                          str(chance.choice(ODD_VALUES)).encode("utf-8", "replace")))


def request(sample: Inbound, chance: random.Random) -> Inbound:
    """The sample, spoilt within its form, or cut off with nonsense behind it."""
    body = sample.body
    if chance.random() < 0.04:
        spoilt = body[:chance.randrange(len(body))] + chance.randbytes(3)
    elif "rfc822" in sample.headers["content-type"]:
        spoilt = b"\n".join(spoilt_line(line, chance) for line in body.split(b"\n"))
    elif "form" in sample.headers["content-type"]:
        fields = mutated(dict(parse_qsl(body.decode())), chance)
        pairs = {name: str(value) for name, value in fields.items()} if isinstance(fields, dict) else {"x": str(fields)}
        spoilt = urlencode(pairs, errors="replace").encode()
    else:
        spoilt = json.dumps(mutated(json.loads(body), chance)).encode()
    return contract.inbound(spoilt, sample.headers)


def throw(slug: str, number: int) -> int:
    """Throw this many spoilt bodies at a way in; returns how many it made signals of."""
    integration, chance = REGISTRY.integrations[slug], random.Random(slug)
    folder = REGISTRY.folder(REGISTRY.owner("integration", slug))
    samples = [contract.sample_request(path) for path in contract.samples(folder, slug).values()]
    taken, usual = 0, contract.sample_config(integration, folder)
    for count in range(number):
        sent = request(chance.choice(samples), chance)
        config = usual | ({"per": "group"} if count % 3 == 0 else {})
        began = time.thread_time()
        taken += answered(integration, sent, config)
        assert time.thread_time() - began < SECONDS, (slug, sent.body[:300])
    return taken


def answered(integration: Integration, sent: Inbound, config: dict[str, Any]) -> bool:
    """Whether signals came of it; what is refused has a reason, what is taken has its form."""
    for hook in (integration.verify, integration.normalize):
        try:
            signals = hook(sent, config)
        except Rejected as refusal:
            assert refusal.reason, sent.body[:300]
            signals = []
        else:
            assert signals or hook == integration.verify, ("nothing came of", sent.body[:300])
    for signal in signals or ():
        check_form(signal, sent.body)
    if hasattr(integration, "delivery_key") and signals:
        assert isinstance(integration.delivery_key(sent), str)
    return bool(signals)


def check_form(signal: Signal, body: bytes) -> None:
    """Each field of a signal has its type and can be stored."""
    assert isinstance(signal.dedup_key, str) and signal.dedup_key, ("dedup_key", body[:300])
    assert signal.status in STATUSES, ("status", body[:300])
    for name in ("title", "body", "url", "service_key", "severity"):
        assert isinstance(getattr(signal, name), str), (name, body[:300])
        getattr(signal, name).encode()
    assert all(isinstance(part, str) for pair in signal.labels.items() for part in pair), ("labels", body[:300])
    assert "\0" not in str(signal), body[:300]
    assert signal.url == "" or signal.url.startswith(("http://", "https://")), ("url", body[:300])
    assert all(at is None or at.utcoffset() is not None for at in (signal.started_at, signal.happened_at))


@every_source
def test_whatever_a_stranger_sends_only_rejected_is_raised(slug: str) -> None:
    """SRC-07"""
    assert throw(slug, EACH) > EACH / 10


@pytest.mark.soak
@every_source
def test_twenty_thousand_spoilt_bodies_raise_only_rejected(slug: str) -> None:
    assert throw(slug, LONG) > LONG / 10


def test_a_whole_run_throws_more_than_twenty_thousand_bodies() -> None:
    assert len(REGISTRY.integrations) * EACH > 20_000
