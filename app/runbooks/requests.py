"""From a version and its parameters to what a target is given, and to what a person is shown of it before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app

from app.core import clock
from app.core.acting import Call
from app.core.fields import Field
from app.core.masking import MASK, mask, storable
from app.core.reading import Rejected
from app.core.targets import RunbookTarget, Step
from app.core.templating import Rendered, render, render_header, render_url
from app.runbooks import queries, rules
from app.runbooks.drafts import CREDENTIAL


@dataclass(frozen=True)
class Given:
    """All that the templates of one execution can name."""

    document: Mapping[str, Any]
    parameters: Mapping[str, Any]
    subject: Mapping[str, Any]
    secrets: Mapping[str, str]
    key: str = ""
    number: str = ""
    callback: str = ""

    @property
    def context(self) -> dict[str, Any]:
        """The roots."""
        run = {"id": self.number, "key": self.key, "callback_url": self.callback}
        return {"incident": {}, "service": {}, "team": {}, "person": {}, **self.subject, "params": self.parameters,
                "secret": self.secrets, "runbook": {name: self.document.get(name) for name in ("key", "name")},
                "execution": run, "now": clock.now()}


@dataclass(frozen=True)
class Ready:
    """What the target is given. `masks` are the texts that nobody may read in what comes back."""

    target: RunbookTarget
    config: Mapping[str, Any]
    step: Step
    masks: tuple[str, ...]
    warnings: tuple[str, ...]


def ready(given: Given, *, timeout: float, excused: str | None = None) -> Ready:
    """Render everything. Raises ValueError with a sentence for what can't be. A field's value that holds the text `excused`
    may stand as it is where it can't be read: a mask, or with "" any example."""
    target = queries.target_of(str(given.document.get("target")))
    if target is None:
        raise ValueError(f"The target {given.document.get('target')} is not installed, or its plugin is switched off")
    context, warnings, config = given.context, [], settings_of(target)
    for field in target.fields:
        value, said = _rendered(field, given.document.get("config", {}).get(field.name), context)
        warnings += said
        config[field.name] = field.default if value is None else _parsed(field, value, excused)
    template = given.document.get("payload")
    payload = Rendered(dict(given.parameters)) if template is None else render(template, context)
    step = Step(payload.value, given.key, timeout, given.callback, given.number, str(given.document.get("wait_for")))
    return Ready(target, config, step, masks_of(given), tuple(dict.fromkeys([*warnings, *payload.warnings])))


def _parsed(field: Field, value: Any, excused: str | None) -> Any:
    try:
        return field.parse(value)
    except ValueError:
        if excused is None or excused not in str(value):
            raise
        return value


def settings_of(target: RunbookTarget) -> dict[str, Any]:
    """What the target reads of the system's own settings."""
    return {name: current_app.config.get(name, "") for name in target.settings}


def _rendered(field: Field, value: Any, context: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    if value is None:
        return None, ()
    if field.kind == "url" and isinstance(value, str):
        found = render_url(value, context)
    elif field.name == "headers" and isinstance(value, Mapping):
        lines = {str(name): render_header(str(text), context) for name, text in value.items()}
        return ({name: line.value for name, line in lines.items()},
                tuple(warning for line in lines.values() for warning in line.warnings))
    else:
        found = render(value, context)
    return found.value, found.warnings


def masks_of(given: Given) -> tuple[str, ...]:
    """The values of secrets and of parameters that are secret, and the way back of this execution."""
    closed = [given.parameters[name] for name in secret_names(given.document) if name in given.parameters]
    texts = [text for value in closed for text in (value if isinstance(value, list) else [value])]
    token = [given.callback.rpartition("/")[2]] if given.callback else []
    return tuple(dict.fromkeys([*given.secrets.values(), *map(str, texts), *token]))


def secret_names(document: Mapping[str, Any]) -> list[str]:
    """The parameters that nobody may read back."""
    fields = (document.get("parameters") or {}).get("properties") or {}
    return [name for name, field in fields.items() if field.get("writeOnly")]


def hidden(document: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as everybody may see them."""
    closed = secret_names(document)
    return {name: MASK if name in closed else value for name, value in parameters.items()}


@dataclass(frozen=True)
class Preview:
    """What would be sent, in words; `fault` when it can't be."""

    text: str = ""
    warnings: tuple[str, ...] = ()
    fault: str = ""


def preview(document: Mapping[str, Any], parameters: Mapping[str, Any], subject: Mapping[str, Any], *,
            examples: bool = False) -> Preview:
    """The request with every secret masked, exactly otherwise. `examples`: the parameters are made up."""
    named = dict.fromkeys(queries.secrets_named(dict(document)), MASK)
    back = f"{current_app.config['BASE_URL']}/runbooks/callback/{MASK}" if document.get("wait_for") == "callback" else ""
    given = Given(document, hidden(document, parameters), subject, named, MASK, MASK, back)
    try:
        found = ready(given, timeout=float(rules.DEFAULT_TIMEOUT), excused="" if examples else MASK)
        call = found.target.prepare(found.step, found.config)
    except (ValueError, Rejected) as fault:
        return Preview(fault=str(fault))
    return Preview(written(call), found.warnings)


def written(call: Call) -> str:
    """A request as people read it: first line, headers, body."""
    lines = [f"{call.method} {call.url}"]
    for name, value in call.headers.items():
        scheme = value.partition(" ")[0] + " " if " " in value and name.lower() == "authorization" else ""
        closed = CREDENTIAL.search(name) or "signature" in name.lower()
        lines.append(f"{name.lower()}: {scheme + MASK if closed else value}")
    content = call.content()
    try:
        lines += ["", json.dumps(json.loads(content), indent=2, ensure_ascii=False)] if content else []
    except ValueError:
        lines += ["", content.decode("utf-8", "replace")]
    return "\n".join(lines)


def masked(text: str, masks: tuple[str, ...]) -> str:
    """What came back, without the secrets that went out and what no database takes."""
    return str(mask(storable(text), masks))
