"""What people type on the form of a service, as the fields of its document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from app.catalog import noise, rules
from app.catalog.models import Service
from app.catalog.queries import service_document, team_choices, teams_for
from app.core.access import Actor
from app.core.errors import Invalid
from app.core.panels import panels
from app.core.reading import first

TEXTS = ("group", "window", "delay", "dependency_hold", "reopen_within", "acknowledge_timeout", "resolve_delay")
SWITCHES = ("flapping", "storm", "dependency_hold_critical")


@dataclass(frozen=True)
class ServiceForm:
    """The form page: what stands in the fields and what is wrong with it."""

    service: Service | None
    values: Mapping[str, Any]
    teams: Sequence[tuple[str, str]]
    lifecycles: Sequence[tuple[str, str]]
    noise: Mapping[str, str]
    others: Sequence[tuple[str, str]] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    panels: Mapping[str, Any] = field(default_factory=dict)


def read(form: Mapping[str, str], service: Service | None) -> dict[str, Any]:
    """The typed text as values for `save_service`; the key of a service that exists stays its own."""
    named = [key.strip() for key in form.get("depends_on", "").replace("\n", ",").split(",")]
    values: dict[str, Any] = {name: form.get(name, "") for name in ("name", "description", "team", "tags")}
    values["key"] = service.key if service else form.get("key", "").strip()
    values["depends_on"] = [key for key in named if key]
    values["noise"] = {name: form[f"noise.{name}"].strip() for name in TEXTS if form.get(f"noise.{name}", "").strip()}
    if form.get("noise.labels", "").strip():
        values["noise"]["labels"] = [name.strip() for name in form["noise.labels"].split(",") if name.strip()]
    values["noise"] |= {name: bool(form.get(f"noise.{name}")) for name in SWITCHES}
    values["links"] = [_link(line) for line in form.get("links", "").splitlines() if line.strip()]
    pairs = [line.partition(":") for line in form.get("attributes", "").splitlines() if line.strip()]
    values["attributes"] = {key.strip(): text.strip() for key, _, text in pairs}
    if service is not None:
        values["lifecycle"] = form.get("lifecycle", service.lifecycle)
    return values


def _link(line: str) -> dict[str, str]:
    """`Dashboard https://…`: the last word is the address."""
    name, _, url = line.strip().rpartition(" ")
    return {"name": name.strip(), "url": url}


def shown(service: Service | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
          invalid: Invalid | None = None) -> ServiceForm:
    """The form of `service` (None: a new one) with what was typed, if it was refused."""
    values = dict(typed) if typed is not None else service_document(service) if service else {}
    faults: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        faults.setdefault(problem.field.partition("[")[0], problem.message)
    quiet = {**noise.document({}), **{one: True for one in ("flapping", "storm")}, **(values.get("noise") or {})}
    moves = [service.lifecycle, *sorted(rules.MOVES[service.lifecycle])] if service else []
    return ServiceForm(panels=panels("service_form", service) if service else {}, service=service,
                       values=_as_text(values), faults=faults, noise=_as_text(quiet),
                       others=[one for one in team_choices(by) if service and one[0] != service.team.key],
                       teams=[(team.key, team.name) for team in teams_for(by)],
                       lifecycles=[(state, state.capitalize()) for state in moves])


def proposed(service: Service, by: Actor, asked: Mapping[str, str]) -> ServiceForm:
    """The same with settings against noise that an address proposes, `noise.delay=10m`: nothing is changed."""
    form = shown(service, by)
    names = [one.name for one in fields(noise.Noise) if f"noise.{one.name}" in asked]
    return replace(form, noise={**form.noise, **{name: asked[f"noise.{name}"] for name in names}})


def _as_text(values: Mapping[str, Any]) -> dict[str, str]:
    lines = {"links": "\n".join(f"{link['name']} {link['url']}".strip() for link in values.get("links") or []),
             "attributes": "\n".join(f"{key}: {text}" for key, text in (values.get("attributes") or {}).items())}
    return {name: ", ".join(value) if isinstance(value, list) else first(value)
            for name, value in values.items() if name not in lines} | lines
