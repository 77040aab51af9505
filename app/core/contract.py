"""What every plugin must keep: checked by the tests, shown on the plugins page, run by authors on their own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.contract_actions import action_faults, field_faults
from app.core.contract_targets import target_faults
from app.core.plugins import Registry
from app.plugin_api import Calendar, Channel, Inbound, Integration, Rejected, Signal

BROKEN_BODIES = (b"", b"{", b"\xff\xfe\x00", b"null", b"[]", b"3", b'"text"', b"[" * 100_000)
ACTIVE = ("<script", "href=", " onload", "<foreignobject")
KINDS = {".json": "application/json", ".form": "application/x-www-form-urlencoded", ".eml": "message/rfc822"}
CAN = frozenset({"verify", "reply", "status", "code", "room", "loud", "update", "sign", "thread", "own", "single",
                 "hook"})
RECEIVED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def faults(registry: Registry, slug: str) -> list[str]:
    """Each breach of the contract by one plugin, as a sentence naming hook, sample and field."""
    folder = registry.folder(slug)
    found = list(_folder_faults(folder))
    for name, integration in registry.integrations.items():
        if registry.owner("integration", name) == slug:
            found += _integration_faults(integration, folder)
    for offers in registry.providers.values():
        if slug in offers:
            found += _channel_faults(offers[slug], folder)
    for name, action in registry.actions.items():
        if registry.owner("action", name) == slug:
            found += action_faults(action, folder)
    for name, calendar in registry.calendars.items():
        if registry.owner("calendar", name) == slug:
            found += _calendar_faults(calendar, folder)
    for name, target in registry.targets.items():
        if registry.owner("target", name) == slug:
            found += target_faults(target, folder)
    return found


def _calendar_faults(calendar: Calendar, folder: Path) -> Iterator[str]:
    yield from _setting_faults({*calendar.settings, *calendar.needs}, folder)
    if stray := sorted(set(calendar.needs) - set(calendar.settings)):
        yield f"calendars() {calendar.slug} needs {', '.join(stray)}, which is not among its settings"
    address = calendar.authorize("https://oncall.example/back", "a state", dict.fromkeys(calendar.settings, "https://x"))
    if "state=a" not in address or "oncall.example" not in address:
        yield f"calendars() {calendar.slug}: authorize() passes on neither the state nor where to come back"
    for said in ({}, {"error": "access_denied"}):
        try:
            calendar.granted(Inbound("GET", {}, said, b"", RECEIVED), "https://oncall.example/back", {})
        except Rejected:
            continue
        yield f"calendars() {calendar.slug}: granted() took an answer without a code"


def _channel_faults(channel: Channel, folder: Path) -> Iterator[str]:
    yield from field_faults("channels()", (channel.address,))
    yield from (f"channels() {channel.slug} can {word!r}, which means nothing" for word in sorted(channel.can - CAN))
    hears = bool(channel.can & {"reply", "status"})
    if hears != bool(getattr(channel, "callbacks", ())) or hears != hasattr(channel, "receive"):
        yield f"channels() {channel.slug}: reply or status, `callbacks` and receive() belong together"
    if ("update" in channel.can) != hasattr(channel, "update"):
        yield f"channels() {channel.slug}: update in `can` and update() belong together"
    yield from (f"channels() {channel.slug}: {word} in `can` and {name}() belong together"
                for word, name in (("thread", "say"), ("own", "open")) if (word in channel.can) != hasattr(channel, name))
    if hasattr(channel, "authorize") != hasattr(channel, "connected"):
        yield f"channels() {channel.slug}: authorize() and connected() belong together"
    yield from _setting_faults({*channel.settings, *getattr(channel, "needs", ())}, folder)


def _setting_faults(names: set[str], folder: Path) -> Iterator[str]:
    guide = folder / "README.md"
    written = guide.read_text(encoding="utf-8") if guide.is_file() else ""
    yield from (f"README.md says nothing of the setting {name}" for name in sorted(names) if name not in written)


def _folder_faults(folder: Path) -> Iterator[str]:
    for name in ("README.md", "icon.svg"):
        path = folder / name
        if not path.is_file() or not path.read_text(encoding="utf-8").strip():
            yield f"{name} is missing"
    icon = folder / "icon.svg"
    drawn = icon.read_text(encoding="utf-8").lower() if icon.is_file() else ""
    yield from (f"icon.svg holds {part!r}" for part in ACTIVE if part in drawn)


def defaults(integration: Integration) -> dict[str, Any]:
    """The configuration of an integration on which nothing was entered."""
    return {field.name: field.default for field in integration.fields}


def home_of_samples(folder: Path, slug: str) -> Path:
    """samples/<slug> for one of several ways in that read differently, else samples."""
    own = folder / "samples" / slug
    return own if own.is_dir() else folder / "samples"


def samples(folder: Path, slug: str) -> dict[str, Path]:
    """The recorded bodies of a way in by what they show: `firing`, `resolved`, `refused`, and others."""
    return {path.stem: path for path in sorted(home_of_samples(folder, slug).glob("*.*"))
            if path.suffix in KINDS and not path.stem.endswith(".expected") and path.name != "config.json"}


def sample_config(integration: Integration, folder: Path) -> dict[str, Any]:
    """The configuration under which the samples are read: the defaults, and what samples/config.json says."""
    path = home_of_samples(folder, integration.slug) / "config.json"
    return defaults(integration) | (json.loads(path.read_bytes()) if path.is_file() else {})


def sample_request(path: Path) -> Inbound:
    """A sample as its sender posts it."""
    return inbound(path.read_bytes(), {"content-type": KINDS[path.suffix]})


def inbound(body: bytes, headers: Mapping[str, str] | None = None) -> Inbound:
    """A request as a sender makes it, at a fixed time."""
    return Inbound("POST", headers or {"content-type": "application/json"}, {}, body, RECEIVED)


def _integration_faults(integration: Integration, folder: Path) -> Iterator[str]:
    yield from field_faults("integrations()", tuple(integration.fields))
    readme = folder / "README.md"
    guide = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    yield from (f"README.md says nothing of the field {field.name!r}" for field in integration.fields
                if f"`{field.name}`" not in guide)
    if "{url}" not in guide:
        yield "README.md holds no {url}, the place of the address to copy"
    found = samples(folder, integration.slug)
    wanted = ["firing", "refused", *(["resolved"] if "resolve" in integration.can else [])]
    yield from (f"samples/{name}.json is missing" for name in wanted if name not in found)
    config, keys = sample_config(integration, folder), dict[str, set[str]]()
    for name, sample in found.items():
        if name.startswith("refused"):
            yield from _accepted(integration, sample.read_bytes(), f"samples/{sample.name}")
        else:
            yield from _sample_faults(integration, sample, config, keys)
    if {"firing", "resolved"} <= keys.keys() and not keys["firing"] & keys["resolved"]:
        yield f"normalize() gives {found['firing'].name} and {found['resolved'].name} different values of dedup_key"
    for body in BROKEN_BODIES:
        yield from _accepted(integration, body, f"the broken body {body[:20]!r}")
    if "firing" in found:
        yield from _signature_faults(integration, found["firing"])


def _sample_faults(
    integration: Integration, sample: Path, config: Mapping[str, Any], keys: dict[str, set[str]],
) -> Iterator[str]:
    expected = sample.with_suffix(".expected.json")
    if not expected.is_file():
        yield f"samples/{expected.name} is missing"
        return
    request = sample_request(sample)
    try:
        integration.verify(request, config)
        signals = integration.normalize(request, config)
    except Exception as fault:  # noqa: BLE001 - whatever a plugin raises is the finding
        yield f"verify() or normalize() of samples/{sample.name} raised {fault!r}"
        return
    keys[sample.stem] = {signal.dedup_key for signal in signals}
    yield from _differences(sample.name, [plain(signal) for signal in signals], json.loads(expected.read_bytes()))


def _signature_faults(integration: Integration, sample: Path) -> Iterator[str]:
    """A plugin that signs its own tests must take them, and nothing without their headers."""
    config = defaults(integration) | {field.name: "a-secret" for field in integration.fields if field.secret}
    request = sample_request(sample)
    sign = getattr(integration, "sign", None)
    headers = sign(request.body, config, request.received_at) if sign is not None else {}
    if not headers:
        return
    known = {name.lower(): value for name, value in headers.items()}
    try:
        integration.verify(dataclasses.replace(request, headers={**request.headers, **known}), config)
    except Exception as fault:  # noqa: BLE001 - whatever a plugin raises is the finding
        yield f"verify() refused what sign() made: {fault!r}"
    try:
        integration.verify(request, config)
        yield "verify() took a request without the signature that its configuration asks for"
    except Rejected as refusal:
        if not refusal.unauthenticated:
            yield "verify() does not call a missing signature unauthenticated"


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
    said["notes"], said["asks"] = list(signal.notes), json.loads(json.dumps(said["asks"], default=str))
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
