"""Every plugin in the box keeps the contract; each failure names hook, sample and field."""

from __future__ import annotations

import ast
import json
import random
from pathlib import Path
from typing import Any

import pytest

from app.core import contract
from app.core.plugins import load
from app.core.plugins_new import scaffold
from app.plugin_api import Integration, Rejected, Signal

ROOT = Path(__file__).parents[1]
REGISTRY = load(ROOT)
MUTATIONS = 1000
STATUSES = ("firing", "acknowledged", "resolved", "suppressed")
ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 3.5, 1e308, 10**400, "", "x" * 2_000, "\x00\u202e<img src=x>", "\ud800", "9" * 400, "NaN", [],
    {},    [[]], [None], [{}], {"": None}, {"a": {"b": [1]}}, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
)


def test_no_bundled_plugin_is_broken() -> None:
    assert REGISTRY.broken == []


@pytest.mark.parametrize("slug", [entry.slug for entry in REGISTRY.installed])
def test_a_plugin_keeps_the_contract(slug: str) -> None:
    assert contract.faults(REGISTRY, slug) == []


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").glob("*/**/*.py")), ids=lambda path: path.parent.name)
def test_a_plugin_imports_nothing_of_the_application_but_the_plugin_api(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert {name for name in names if name and name.split(".")[0] == "app"} <= {"app.plugin_api"}


def mutated(value: Any, chance: random.Random) -> Any:
    """A copy of a payload in which some values were replaced, dropped or wrapped."""
    if chance.random() < 0.06:
        return chance.choice(ODD_VALUES)
    if isinstance(value, dict):
        return {name: mutated(item, chance) for name, item in value.items() if chance.random() > 0.04}
    if isinstance(value, list):
        return [mutated(item, chance) for item in value * chance.choice((1, 1, 2))]
    return [value] if chance.random() < 0.02 else value


def bodies(integration: Integration, chance: random.Random) -> list[bytes]:
    samples = REGISTRY.folder(REGISTRY.owner("integration", integration.slug)) / "samples"
    raw = [path.read_bytes() for path in sorted(samples.glob("*.json")) if ".expected" not in path.name]
    made = [json.dumps(mutated(json.loads(chance.choice(raw)), chance)).encode()
            for _ in range(MUTATIONS)]
    return made + [body[:chance.randrange(len(body))] + chance.randbytes(3) for body in raw for _ in range(40)]


@pytest.mark.parametrize("slug", sorted(REGISTRY.integrations))
def test_whatever_a_stranger_sends_only_rejected_is_raised(slug: str) -> None:
    integration = REGISTRY.integrations[slug]
    taken = 0
    for number, body in enumerate(bodies(integration, random.Random(slug))):
        config = contract.defaults(integration) | ({"per": "group"} if number % 3 == 0 else {})
        try:
            integration.verify(contract.inbound(body), config)
            signals = integration.normalize(contract.inbound(body), config)
        except Rejected as refusal:
            assert refusal.reason, body[:300]
            continue
        taken += 1
        assert signals, f"{slug} normalize() gave nothing for {body[:300]!r}"
        for signal in signals:
            check_form(signal, body)
    assert taken > MUTATIONS / 10


def check_form(signal: Signal, body: bytes) -> None:
    """Each field of a signal has its type and can be stored."""
    assert isinstance(signal.dedup_key, str) and signal.dedup_key, ("dedup_key", body[:300])
    assert signal.status in STATUSES, ("status", body[:300])
    for name in ("title", "body", "url", "service_key", "severity"):
        assert isinstance(getattr(signal, name), str), (name, body[:300])
        getattr(signal, name).encode()
    assert all(isinstance(part, str) for pair in signal.labels.items() for part in pair), ("labels", body[:300])
    assert "\0" not in str(signal) and signal.url.startswith(("http://", "https://", "")), ("url", body[:300])
    assert all(at is None or at.utcoffset() is not None for at in (signal.started_at, signal.happened_at))


@pytest.mark.parametrize("kind", ["integration", "channel"])
def test_a_new_plugin_keeps_the_contract_at_once(kind: Any, tmp_path: Path) -> None:
    written = scaffold("my-tool", kind, tmp_path)
    registry = load(tmp_path)
    assert all(path.is_file() for path in written)
    assert registry.broken == [] and contract.faults(registry, "my-tool") == []
    assert registry.is_on(kind, "my-tool")


def test_a_new_plugin_never_overwrites_one(tmp_path: Path) -> None:
    scaffold("my-tool", "channel", tmp_path)
    for slug in ("my-tool", "../escape", "Big", "x", ""):
        with pytest.raises(ValueError):
            scaffold(slug, "channel", tmp_path)


@pytest.mark.parametrize(("spoil", "finding"), [
    (lambda folder: (folder / "icon.svg").unlink(), "icon.svg is missing"),
    (lambda folder: (folder / "README.md").write_text("{url}"), "README.md says nothing of the field 'environment'"),
    (lambda folder: (folder / "samples/firing.json").write_text('{"id": "disk-1", "title": "Other"}'),
     "samples/firing.json, signal 0, field title: 'Other', expected 'Disk is full'"),
    (lambda folder: (folder / "samples/resolved.json").write_text('{"id": "other", "state": "ok"}'), "dedup_key"),
    (lambda folder: (folder / "samples/refused.json").write_text('{"id": "fine"}'), "took samples/refused.json"),
])
def test_a_breach_is_named(spoil: Any, finding: str, tmp_path: Path) -> None:
    scaffold("my-tool", "integration", tmp_path)
    spoil(tmp_path / "plugins" / "my-tool")
    assert any(finding in fault for fault in contract.faults(load(tmp_path), "my-tool"))
