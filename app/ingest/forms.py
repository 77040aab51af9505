"""What people type on the form of an integration, as the fields of its document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.fields import Field
from app.identity.models import Team
from app.identity.queries import may
from app.incidents.rules import SEVERITIES
from app.ingest import regrouping, rules, signing
from app.ingest.models import Integration
from app.ingest.queries import integration_document

Choices = list[tuple[str, str]]
TEXTS = ("name", "team", "service", "default_severity", "expected_every")
# What describes a sender's signature: its name in the document and on the form, and what can be chosen.
WAYS: tuple[tuple[str, str, Choices], ...] = (
    ("header", "Header of the signature", []), ("prefix", "What stands before it", []),
    ("algorithm", "Algorithm", [("sha256", "HMAC-SHA256"), ("sha512", "HMAC-SHA512")]),
    ("encoding", "Written in", [("hex", "Hexadecimal"), ("base64", "Base64")]),
    ("timestamp_header", "Header of the time", []),
    ("signed", "What is signed", [("body", "The body"), ("timestamp.body", "Time, a dot, the body"),
                                  ("timestamp:body", "Time, a colon, the body"), ("timestampbody", "Time and body")]))


@dataclass(frozen=True)
class IntegrationForm:
    """The form page: what stands in the fields, what can be chosen, what is wrong; `signing`: the sender signs otherwise."""

    integration: Integration | None
    plugin: Any
    values: Mapping[str, Any]
    teams: Choices
    services: Choices
    may_be_nobodys: bool
    has_secret: bool
    stored: frozenset[str]
    severities: Choices
    firing: int = 0
    errors: Mapping[str, str] = field(default_factory=dict)
    ways: tuple[tuple[str, str, Choices], ...] = WAYS
    signing: bool = False


def plugin_of(slug: str) -> Any:
    """The integration plugin of this slug that is switched on, or None."""
    registry = current_app.extensions["plugins"]
    found = registry.integrations.get(slug) if registry.is_on("integration", slug) else None
    return found if found is None or "inside" not in found.can else None


def read(form: Mapping[str, str], plugin: Any, integration: Integration | None) -> dict[str, Any]:
    """The typed text as values for `save_integration`; a secret left empty stays what it was."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in TEXTS}
    values["open_alerts"] = form.get("open_alerts") or rules.ASK
    values["quiet_incident"] = bool(form.get("quiet_incident"))
    values["key"] = integration.key if integration else form.get("key", "").strip()
    if integration is None:
        values["plugin"] = plugin.slug
    if form.get("secret", "").strip():
        values["secret"] = form["secret"].strip()
    elif form.get("remove_secret"):
        values["secret"] = None
    signed = {name: form[f"signature.{name}"].strip() for name, _, _ in WAYS if f"signature.{name}" in form}
    if signed:
        said = integration.config.get("signature", {}) if integration else {}
        values["signature"] = {name: text for name, text in signed.items() if name in said or text != signing.OURS[name]}
    config = {one.name: _typed(one, form) for one in plugin.fields} if plugin else {}
    kept = _stored(integration) if integration else frozenset()
    values["config"] = {name: value for name, value in config.items() if value != "" or name not in kept}
    return values


def _typed(one: Field, form: Mapping[str, str]) -> str:
    text = form.get(f"config.{one.name}", "").strip()
    return (text or "no") if one.kind == "boolean" else text


def _stored(integration: Integration) -> frozenset[str]:
    """Names of the plugin's secret fields that hold something; their values never leave the house."""
    plugin = plugin_of(integration.plugin)
    secret = {one.name for one in plugin.fields if one.secret} if plugin else set()
    return frozenset(name for name, value in integration.config.items() if name in secret and value)


def shown(integration: Integration | None, plugin: Any, by: Actor, *, typed: Mapping[str, str] | None = None,
          invalid: Invalid | None = None) -> IntegrationForm:
    """The form with the present values, or with what was typed if it was refused."""
    teams = editable_teams(by)
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(problem.field, problem.message)
    values = typed or _present(integration, plugin)
    return IntegrationForm(
        integration=integration, plugin=plugin, values=values,
        signing=any(values.get(f"signature.{name}", ours) != ours for name, ours in signing.OURS.items()),
        teams=[(team.key, team.name) for team in teams], services=_services(teams, integration),
        may_be_nobodys=may(by, "integration.edit"), has_secret=bool(integration and integration.secret_sealed),
        stored=_stored(integration) if integration else frozenset(),
        severities=[(name, name.capitalize()) for name in SEVERITIES], errors=errors,
        firing=regrouping.number_open(integration) if integration and regrouping.regroups(plugin) else 0)


def _present(integration: Integration | None, plugin: Any) -> dict[str, Any]:
    if integration is None:
        document: dict[str, Any] = {"name": plugin.name, "config": {}}
    else:
        document = integration_document(integration)
    written = {one.name: one.default for one in plugin.fields} if plugin else {}
    written |= document.pop("config")
    signed = {f"signature.{name}": text for name, text in {**signing.OURS, **document.pop("signature", {})}.items()}
    return {"default_severity": "medium", **document, **signed,
            **{f"config.{name}": as_text(value) for name, value in written.items()}}


def as_text(value: Any) -> str:
    """A field's value as its control shows it."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return json.dumps(value, indent=2, ensure_ascii=False)


def editable_teams(by: Actor) -> list[Team]:
    """The teams whose integrations the person may change, by name."""
    teams = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    return [team for team in teams if may(by, "integration.edit", team_id=team.id)]


def _services(teams: list[Team], integration: Integration | None) -> Choices:
    """Active services of these teams, and the present one whoever owns it."""
    found = list(session.scalars(select(Service).where(
        Service.lifecycle != "archived", Service.team_id.in_([team.id for team in teams])).order_by(Service.name)))
    if integration and integration.service and integration.service not in found:
        found.append(integration.service)
    return [(service.key, f"{service.name} ({service.team.name})") for service in found]
