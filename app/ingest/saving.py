"""Saving an integration from the fields of the configuration document, a form or the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app

from app.catalog.queries import service_named
from app.core import secrets
from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.core.forms import Problems, check_boolean, check_key, check_text, duration
from app.identity.queries import allow, team_named
from app.incidents.rules import SEVERITIES
from app.ingest import credentials, events, queries, regrouping, signing
from app.ingest.models import Integration
from app.ingest.wellbeing import EXPECTED


def save_integration(values: Mapping[str, Any], *, by: Actor) -> Integration:
    """Create or change the integration of this key; left-out fields stay. A new one gets a token unless one is given."""
    key = checked_key(values)
    integration = queries.integration_by_key(key)
    fresh = integration is None
    before = None if integration is None else queries.integration_document(integration)
    if integration is None:
        integration = Integration(key=key, name=str(values.get("name") or key), plugin=str(values.get("plugin", "")),
                                  config={}, default_severity="medium")
    elif integration.id:
        allow(by, "integration.edit", team_id=integration.team_id)
    former, config = integration.service, dict(integration.config)
    changed = _fill(integration, values, by)
    allow(by, "integration.edit", team_id=integration.team_id)
    if integration.service is not None and integration.service is not former:
        allow(by, "integration.edit", team_id=integration.service.team_id)
    if fresh and not integration.token_hash:
        set_token(integration, secrets.new_token())
    session.add(integration)
    session.flush()
    if not fresh and before and before["plugin"] == integration.plugin:
        plugin = current_app.extensions["plugins"].integrations[integration.plugin]
        regrouping.settle(integration, plugin, config, fate=values.get("open_alerts") or "leave", by=by)
    after = queries.integration_document(integration)
    if fresh or before != after or changed:
        record(events.CREATED if fresh else events.CHANGED, integration.ref, by=by, also=also(integration),
               name=integration.name, before=before, after=after)
    return integration


def checked_key(values: Mapping[str, Any]) -> str:
    """The key that the values name. Raises Invalid."""
    problems = Problems()
    key = problems.take("key", check_key, values.get("key"))
    problems.raise_if_any()
    return key or ""


def _fill(integration: Integration, values: Mapping[str, Any], by: Actor) -> bool:
    """Take what is named; says whether something secret changed, which no document shows."""
    problems = Problems()
    plugin = current_app.extensions["plugins"].integrations.get(values.get("plugin", integration.plugin))
    if plugin is None:
        problems.add("plugin", f"There is no integration plugin {values.get('plugin', integration.plugin)}")
    else:
        integration.plugin = plugin.slug
    _fill_places(integration, values, problems, by)
    if "name" in values:
        name = problems.take("name", check_text, values["name"], least=1, most=100, label="A name")
        integration.name = name or integration.name
    if "default_severity" in values:
        if values["default_severity"] not in SEVERITIES:
            problems.add("default_severity", f"A severity is one of {', '.join(SEVERITIES)}")
        else:
            integration.default_severity = values["default_severity"]
    _fill_expected(integration, values, problems)
    changed = _fill_secrets(integration, values, problems)
    if plugin is not None:
        changed |= _fill_config(integration, values, plugin, problems)
    problems.raise_if_any()
    return changed


def _fill_places(integration: Integration, values: Mapping[str, Any], problems: Problems, by: Actor) -> None:
    if values.get("team"):
        integration.team = team_named(values["team"], by)
        if integration.team is None:
            problems.add("team", f"There is no team {values['team']}")
    elif "team" in values:
        integration.team = None
    if "team" in values:
        integration.team_id = integration.team.id if integration.team else None
    if values.get("service"):
        integration.service = service_named(values["service"], by)
        if integration.service is None:
            problems.add("service", f"There is no service {values['service']}")
    elif "service" in values:
        integration.service = None
    if "service" in values:
        integration.service_id = integration.service.id if integration.service else None


def _fill_expected(integration: Integration, values: Mapping[str, Any], problems: Problems) -> None:
    """How often something should come, and whether it is an incident when nothing does."""
    if values.get("expected_every"):
        integration.expected_every = problems.take("expected_every", _interval, values["expected_every"])
    elif "expected_every" in values:
        integration.expected_every = None
    if "quiet_incident" in values:
        integration.quiet_incident = bool(problems.take("quiet_incident", check_boolean, values["quiet_incident"]))
    if integration.quiet_incident and not integration.expected_every and not problems.found:
        problems.add("quiet_incident", "Say how often a delivery is expected")


def _interval(text: object) -> int:
    seconds = duration(text)
    if not EXPECTED[0] <= seconds <= EXPECTED[1]:
        raise ValueError("The interval is 5m to 30d")
    return seconds


def _fill_secrets(integration: Integration, values: Mapping[str, Any], problems: Problems) -> bool:
    changed = False
    token = values.get("token")
    if token and secrets.digest(token) != integration.token_hash:
        if not credentials.SHORTEST <= len(token) <= credentials.LONGEST or not token.replace("-", "").replace(
                "_", "").isalnum() or not token.isascii():
            problems.add("token", "A token has 16 to 128 letters, digits, - and _")
        elif credentials.by_token(token) is not None:
            problems.add("token", "Another integration has this token")
        else:
            set_token(integration, token)
            changed = True
    secret = values.get("secret")
    if "secret" in values and secret is None and integration.secret_sealed is not None:
        integration.secret_sealed, changed = None, True
    sealed, place = integration.secret_sealed, f"integration:{integration.key}/secret"
    if secret and (sealed is None or not secrets.holds(sealed, secret, bound_to=place)):
        integration.secret_sealed = secrets.seal(secret, bound_to=place)
        changed = True
    return changed


def _fill_config(integration: Integration, values: Mapping[str, Any], plugin: Any, problems: Problems) -> bool:
    config, changed = dict(integration.config), False
    given = values.get("config") or {}
    fields = {field.name: field for field in plugin.fields}
    for name in given:
        if name not in fields:
            problems.add(f"config.{name}", f"{plugin.name} has no field {name}")
    for name, value in given.items():
        if name not in fields:
            continue
        parsed, place = problems.take(f"config.{name}", fields[name].parse, value), f"integration:{integration.key}/{name}"
        if not fields[name].secret or not parsed:
            config[name] = parsed
        elif not secrets.is_sealed(config.get(name)) or not secrets.holds(config[name], parsed, bound_to=place):
            config[name] = secrets.seal(parsed, bound_to=place)
            changed = True
    if values.get("signature") is not None:
        config.pop("signature", None)
        if scheme := signing.checked(values["signature"], problems):
            config["signature"] = scheme
    integration.config = config
    return changed


def set_token(integration: Integration, token: str) -> None:
    """Make `token` the one that opens the door; the former is dead at once."""
    integration.token_hash, integration.token_last4 = secrets.digest(token), token[-4:]
    integration.token_sealed = secrets.seal(token, bound_to=f"integration:{integration.key}/token")


def also(integration: Integration) -> list[str]:
    """Whom else an event about the integration concerns; open pages listen by key, as their addresses name it."""
    return ["integrations", f"integration/{integration.key}",
            *([f"team:{integration.team_id}"] if integration.team_id else [])]
