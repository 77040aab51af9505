"""From what a form, a document or a machine says to a whole runbook, every fault named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.catalog.models import Service
from app.catalog.queries import service_named
from app.core.access import Actor
from app.core.errors import Invalid, Problem
from app.core.forms import (
    Problems,
    check_list,
    check_text,
    duration,
    duration_text,
    one_of,
    unique,
)
from app.core.targets import RunbookTarget
from app.core.templating import faults, names
from app.identity.models import Team
from app.identity.queries import team_named
from app.runbooks import parameters, queries, rules

KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
DEFAULTS: dict[str, Any] = {
    "description": "", "team": None, "config": {}, "payload": None, "parameters": parameters.EMPTY, "timeout": "5m",
    "retries": 3, "wait_for": None, "concurrency": "per_incident", "services": []}
# Names of headers and fields whose value opens something.
CREDENTIAL = re.compile(r"authorization|cookie|token|secret|password|api[-_]?key", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """A whole runbook, checked."""

    document: dict[str, Any]
    team: Team | None
    services: list[Service]
    timeout: int


def check_key(text: Any) -> str:
    """The key of a runbook. Raises Invalid."""
    if not isinstance(text, str) or not KEY.fullmatch(text):
        raise Invalid(problems=[Problem("key", "A key has 1 to 63 lower-case letters, digits and hyphens")])
    return text


def wanted(values: Mapping[str, Any], before: Mapping[str, Any] | None, *, by: Actor) -> Wanted:
    """What the values make of the runbook as it is. Raises Invalid with every fault."""
    said = {**DEFAULTS, **(before or {}), **_unfolded(values)}
    problems = Problems()
    team = _team(said["team"], problems, by)
    target = _target(said, problems)
    _check_plain(said, problems)
    timeout = problems.take("timeout", _timeout, said["timeout"]) or 0
    services = _services(said["services"], team, problems, by)
    said["payload"] = _payload(said["payload"], problems)
    parameters.check_schema(said["parameters"], problems.at("parameters"))
    if target is not None:
        _check_waiting(said, target, problems)
        _check_config(said, target, problems)
    _check_templates(said, problems)
    problems.raise_if_any()
    document = {name: said[name] for name in ("key", *rules.FIELDS)}
    document |= {"timeout": duration_text(timeout), "services": [service.key for service in services],
                 "team": team.key if team else None}
    return Wanted(json.loads(json.dumps(document)), team, services, timeout)


def _unfolded(values: Mapping[str, Any]) -> dict[str, Any]:
    """`target: {plugin, config}` is `target` and `config`; a `body` among the config is the payload."""
    said = {name: value for name, value in values.items() if name in ("key", *rules.FIELDS)}
    target = said.get("target")
    if isinstance(target, Mapping):
        said["target"], said["config"] = target.get("plugin"), target.get("config", {})
    config = said.get("config")
    if isinstance(config, Mapping) and "body" in config:
        said["config"] = {name: value for name, value in config.items() if name != "body"}
        said.setdefault("payload", config["body"])
    return said


def _team(key: Any, problems: Problems, by: Actor) -> Team | None:
    team = team_named(key, by)
    if key and team is None:
        problems.add("team", f"There is no team {key}")
    return team


def _target(said: dict[str, Any], problems: Problems) -> RunbookTarget | None:
    target = queries.target_of(said["target"]) if isinstance(said.get("target"), str) else None
    if target is None:
        problems.add("target", f"There is no target {said.get('target') or ''}".rstrip())
    if not isinstance(said["config"], Mapping):
        problems.add("config", "The settings of a target are an object")
        return None
    return target


def _check_plain(said: dict[str, Any], problems: Problems) -> None:
    said["name"] = problems.take("name", check_text, said.get("name"), least=1, most=100, label="A name")
    said["description"] = problems.take("description", check_text, said["description"], most=2000, label="A description")
    if type(said["retries"]) is not int or not 0 <= said["retries"] <= len(rules.GAPS):
        problems.add("retries", "0 to 3 further calls")
    problems.take("concurrency", one_of, said["concurrency"], choices=rules.CONCURRENCIES)


def _timeout(value: Any) -> int:
    seconds = duration(value)
    if not rules.TIMEOUT[0] <= seconds <= rules.TIMEOUT[1]:
        raise ValueError("The time is 5s to 6h")
    return seconds


def _services(keys: Any, team: Team | None, problems: Problems, by: Actor) -> list[Service]:
    found: list[Service] = []
    for at, key in enumerate(unique(problems.take("services", check_list, keys, most=100, label="Services") or [])):
        service = service_named(str(key), by)
        if service is None:
            problems.add(f"services[{at}]", f"There is no service {key}")
        elif team is not None and service.team_id != team.id:
            problems.add(f"services[{at}]", f"{service.name} is not {team.name}’s")
        else:
            found.append(service)
    return sorted(found, key=lambda service: service.key)


def _payload(value: Any, problems: Problems) -> Any:
    """JSON, also as text; nothing at all means all parameters."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as fault:
        problems.add("payload", f"This is not JSON: {fault}. Put each {{{{ }}}} in quotation marks; a value that is alone "
                                "in them keeps its type")
        return None


def _check_waiting(said: dict[str, Any], target: RunbookTarget, problems: Problems) -> None:
    can = [word for word in rules.WAITS if word in target.can]
    said["wait_for"] = said["wait_for"] or ("follow" if "response" not in can else can[0])
    if said["wait_for"] not in can:
        problems.add("wait_for", f"{target.name} knows its end by {' or '.join(can)}")
    if said["wait_for"] == "callback" and not said["config"].get("signing_secret"):
        problems.add("config.signing_secret", "A callback is signed: name the secret for it")
    elif said["wait_for"] == "callback" and any(path[0] != "secret" for path in _paths(said["config"]["signing_secret"])):
        problems.add("config.signing_secret", "Of names, only {{ secret.<name> }} can stand here")


def _check_config(said: dict[str, Any], target: RunbookTarget, problems: Problems) -> None:
    config, place = dict(said["config"]), problems.at("config")
    fields = {field.name: field for field in target.fields}
    for name in sorted(set(config) - fields.keys()):
        place.add(name, f"{target.name} knows no {name}")
    for name, field in fields.items():
        value = config.get(name)
        if value in (None, ""):
            config.pop(name, None)
            if field.required and field.default is None:
                place.add(name, f"{field.label} is needed")
        elif field.secret and not _names_secret(value):
            place.add(name, "Keep this under Secrets and write {{ secret.<name> }}")
        elif field.kind == "json" or "{{" not in str(value):
            config[name] = place.take(name, field.parse, value)
        if isinstance(config.get(name), Mapping):
            _check_credentials(config[name], place.at(name))
    said["config"] = config


def _names_secret(value: Any) -> bool:
    try:
        return any(path[0] == "secret" for path in names(value))
    except ValueError:
        return False


def _check_credentials(values: Mapping[str, Any], problems: Problems) -> None:
    for name, value in values.items():
        if CREDENTIAL.search(str(name)) and value and not _names_secret(value):
            problems.add(str(name), "Keep this under Secrets and write {{ secret.<name> }}")


def _check_templates(said: Mapping[str, Any], problems: Problems) -> None:
    declared = said["parameters"].get("properties") if isinstance(said["parameters"], Mapping) else None
    known = set(declared) if isinstance(declared, Mapping) else set()
    for part in ("config", "payload"):
        for place, fault in faults(said[part], rules.ROOTS):
            problems.at(part).add(place, fault)
        for path in _paths(said[part]):
            if path[0] == "params" and len(path) > 1 and path[1] not in known:
                problems.at(part).add("", f"There is no parameter {path[1]}")


def _paths(value: Any) -> Iterator[tuple[str, ...]]:
    try:
        yield from sorted(names(value))
    except ValueError:
        return

