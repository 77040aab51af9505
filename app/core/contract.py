"""What every plugin must keep: checked by the tests, shown on the plugins page, run by authors on their own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.plugins import Registry
from app.plugin_api import Field, Inbound, Integration, Rejected, Signal

BROKEN_BODIES = (b"", b"{", b"\xff\xfe\x00", b"null", b"[]", b"3", b'"text"', b"[" * 100_000)
ACTIVE = ("<script", "href=", " onload", "<foreignobject")
RECEIVED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def faults(registry: Registry, slug: str) -> list[str]:
    """Each breach of the contract by one plugin, as a sentence naming hook, sample and field."""
    folder = registry.folder(slug)
    found = list(_folder_faults(folder))
    for (kind, name), owner in registry.owners.items():
        if owner != slug:
            continue
        if kind == "integration":
            found += _integration_faults(registry.integrations[name], folder / "samples")
        else:
            found += _field_faults("channels()", (registry.channels[name].address,))
    return found


def _folder_faults(folder: Path) -> Iterator[str]:
    for name in ("README.md", "icon.svg"):
        path = folder / name
        if not path.is_file() or not path.read_text(encoding="utf-8").strip():
            yield f"{name} is missing"
    icon = folder / "icon.svg"
    drawn = icon.read_text(encoding="utf-8").lower() if icon.is_file() else ""
    yield from (f"icon.svg holds {part!r}" for part in ACTIVE if part in drawn)


def _field_faults(hook: str, fields: tuple[Field, ...]) -> Iterator[str]:
    names = [field.name for field in fields]
    yield from (f"{hook} declares the field {name!r} twice" for name in set(names) if names.count(name) > 1)
    for field in fields:
        if not field.label:
            yield f"{hook} field {field.name!r} has no label"
        if field.kind == "choice" and field.default not in (None, *(value for value, _ in field.choices)):
            yield f"{hook} field {field.name!r} has a default that is not among its choices"


def defaults(integration: Integration) -> dict[str, Any]:
    """The configuration of an integration on which nothing was entered."""
    return {field.name: field.default for field in integration.fields}


def inbound(body: bytes, headers: Mapping[str, str] | None = None) -> Inbound:
    """A request as a sender makes it, at a fixed time."""
    return Inbound("POST", headers or {"content-type": "application/json"}, {}, body, RECEIVED)


def _integration_faults(integration: Integration, samples: Path) -> Iterator[str]:
    yield from _field_faults("integrations()", tuple(integration.fields))
    readme = samples.parent / "README.md"
    guide = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    yield from (f"README.md says nothing of the field {field.name!r}" for field in integration.fields
                if f"`{field.name}`" not in guide)
    if "{url}" not in guide:
        yield "README.md holds no {url}, the place of the address to copy"
    wanted = ["firing.json", "refused.json", *(["resolved.json"] if "resolve" in integration.can else [])]
    yield from (f"samples/{name} is missing" for name in wanted if not (samples / name).is_file())
    keys: dict[str, set[str]] = {}
    for sample in sorted(samples.glob("*.json")):
        if sample.name.startswith("refused"):
            yield from _accepted(integration, sample.read_bytes(), f"samples/{sample.name}")
        elif not sample.name.endswith(".expected.json"):
            yield from _sample_faults(integration, sample, keys)
    if {"firing", "resolved"} <= keys.keys() and not keys["firing"] & keys["resolved"]:
        yield "normalize() gives samples/firing.json and samples/resolved.json different values of dedup_key"
    for body in BROKEN_BODIES:
        yield from _accepted(integration, body, f"the broken body {body[:20]!r}")


def _sample_faults(integration: Integration, sample: Path, keys: dict[str, set[str]]) -> Iterator[str]:
    expected = sample.with_suffix("").with_suffix(".expected.json")
    if not expected.is_file():
        yield f"samples/{expected.name} is missing"
        return
    request, config = inbound(sample.read_bytes()), defaults(integration)
    try:
        integration.verify(request, config)
        signals = integration.normalize(request, config)
    except Exception as fault:  # noqa: BLE001 - whatever a plugin raises is the finding
        yield f"verify() or normalize() of samples/{sample.name} raised {fault!r}"
        return
    keys[sample.stem] = {signal.dedup_key for signal in signals}
    yield from _differences(sample.name, [plain(signal) for signal in signals], json.loads(expected.read_bytes()))


def _differences(name: str, got: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> Iterator[str]:
    if len(got) != len(wanted):
        yield f"normalize() of samples/{name} gave {len(got)} signals, expected {len(wanted)}"
    for number, (one, other) in enumerate(zip(got, wanted, strict=False)):
        for field in sorted({*one, *other}):
            if one.get(field) != other.get(field):
                yield (f"normalize() of samples/{name}, signal {number}, field {field}: "
                       f"{one.get(field)!r}, expected {other.get(field)!r}")


def plain(signal: Signal) -> dict[str, Any]:
    """A signal as the expected files write it: what was not said is left out."""
    said = dataclasses.asdict(signal)
    said |= {name: at.isoformat() for name in ("started_at", "happened_at") if (at := said[name])}
    said["notes"] = list(signal.notes)
    return {name: value for name, value in said.items() if value}


def _accepted(integration: Integration, body: bytes, what: str) -> Iterator[str]:
    """A fault unless both hooks refuse this body by raising Rejected."""
    for hook in ("verify", "normalize"):
        try:
            getattr(integration, hook)(inbound(body), defaults(integration))
        except Rejected as refusal:
            if not refusal.reason:
                yield f"{hook}() rejected {what} without a reason"
            continue
        except Exception as fault:  # noqa: BLE001 - whatever a plugin raises is the finding
            yield f"{hook}() of {what} raised {fault!r} instead of Rejected"
            continue
        yield f"{hook}() took {what}"
